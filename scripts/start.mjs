// `npm start`: the main job with the demonstration park, on a bare clone.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ready, root } from './ready.mjs';

ready();
const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'build/cli/greenpark.js'), 'serve'], {
  cwd: process.cwd(),
  stdio: 'inherit',
  env: { GREENPARK_DEMO: '1', ...process.env },
});
// Ctrl-C reaches the whole terminal group: the service stops by itself and this process waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
