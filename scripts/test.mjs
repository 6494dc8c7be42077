// `npm test`: everything that must hold before a change lands, in the order in which one wants to hear bad news.
import { spawnSync } from 'node:child_process';
import { ready, root, run } from './ready.mjs';

ready();
const only = process.argv.slice(2);
if (only.length === 0) {
  run('npm', ['run', '--silent', 'lint']);
  run('npm', ['run', '--silent', 'check:types']);
  run('npm', ['run', '--silent', 'check:imports']);
  run('npm', ['run', '--silent', 'check:unused']);
}
const result = spawnSync(process.execPath, ['node_modules/mocha/bin/mocha.js', ...(only.length > 0 ? only : ['build/test/**/*.test.js'])], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
