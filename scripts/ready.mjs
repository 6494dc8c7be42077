// Makes a checkout ready to run: dependencies as the lockfile says, then the build, each only when something changed.
// Plain JavaScript on Node.js alone, as it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const SOURCES = [
  'main.ts',
  'config.ts',
  'core.ts',
  'metrics.ts',
  'demonstration.ts',
  'first-start.ts',
  'transports.ts',
  'readiness.ts',
  'registers.ts',
  'model',
  'accounting',
  'store',
  'ingest',
  'alerts',
  'api',
  'dashboards',
  'cli',
  'demo',
  'test',
  'bench',
];

/** Runs a program of this checkout; a failure ends this process with the program's own exit code. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32', ...options });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

export function ready() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Greenpark needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  // Not `npm ci`: see docs/decisions/0005-install-from-a-mirror.md
  const lock = hashOf([join(root, 'package-lock.json')]);
  when('node_modules/.greenpark-lock', lock, existsSync(join(root, 'node_modules')), () => {
    console.log('Installing dependencies (first start only) …');
    run('npm', ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error']);
  });
  const sources = hashOf([...SOURCES.flatMap((entry) => filesBelow(join(root, entry))), join(root, 'tsconfig.json'), join(root, 'package-lock.json')]);
  when('build/.greenpark-sources', sources, existsSync(join(root, 'build/cli/greenpark.js')), () => {
    console.log('Building …');
    run('npm', ['run', '--silent', 'build']);
  });
}

/** Does the work unless the stamp says that it was done for the same content. */
function when(stamp, hash, present, work) {
  const file = join(root, stamp);
  if (present && existsSync(file) && readFileSync(file, 'utf8') === hash) return;
  work();
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, hash);
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.includes('screenshots'))
    .sort();
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}
