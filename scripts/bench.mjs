// `npm run bench -- NAME… --json FILE`: needs a real Mosquitto (Debian: mosquitto).
import { spawnSync } from 'node:child_process';
import { ready, root } from './ready.mjs';

ready();
const result = spawnSync(process.execPath, ['--enable-source-maps', `${root}/build/bench/run.js`, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(result.status ?? 1);
