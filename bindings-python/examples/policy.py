"""What a provider publishes, enforced: which limits does a request meet, and what does the response say?

    python examples/policy.py policies/mailiam.toml
"""

from __future__ import annotations

import sys

import tidegate

policy = tidegate.Policy.from_file(sys.argv[1])
verdict = policy.take(
    plan="free",
    endpoint="POST /v1/example.com/send",
    scopes={"api-key": "key_1", "ip": "192.0.2.1", "account": "account_1"},
)
print("allowed" if verdict else "denied", "by", policy.provider)
for limit in verdict.limits:
    print(f"  {limit.id}: {limit.remaining} of {limit.limit} {limit.unit} left for this {limit.scope}")
for name, value in verdict.headers().items():
    print(f"{name}: {value}")
