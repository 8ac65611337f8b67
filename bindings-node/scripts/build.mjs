// Builds the addon, optimized unless a profile is named, and puts it beside index.js as tidegate.node. Arguments go to cargo:
// `npm run build -- --offline`, `npm run build -- --profile=dev`.
import { spawnSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const cargo = process.env.CARGO ?? 'cargo';
const given = process.argv.slice(2);
const profile = given.some((word) => word.startsWith('--profile')) ? [] : ['--release'];
const built = spawnSync(
  cargo,
  ['build', ...profile, '-p', 'tidegate-node', '--message-format=json-render-diagnostics', ...given],
  { cwd: here, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 28 },
);
if (built.error) {
  console.error(`cannot run ${cargo} (${built.error.code}): the addon needs Rust, see https://rustup.rs`);
  process.exit(1);
}
if (built.status !== 0) process.exit(built.status ?? 1);

// Cargo says where the library is, whatever the target directory.
const library = built.stdout
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .findLast((message) => message.reason === 'compiler-artifact' && message.target.name === 'tidegate_node')
  ?.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
if (library === undefined) {
  console.error('cargo built no library');
  process.exit(1);
}
// Renamed into place: a running process may have the old one mapped.
const addon = fileURLToPath(new URL('../tidegate.node', import.meta.url));
copyFileSync(library, `${addon}.new`);
renameSync(`${addon}.new`, addon);
