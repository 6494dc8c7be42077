// Loaded into a process before anything else (node --import): its clock is ahead of the machine's by the milliseconds that stand in the
// file STEPPING_CLOCK names, from a moment after they were written. Timers and performance.now() go on as they do when a clock is set.
import { readFileSync } from 'node:fs';

const file = process.env['STEPPING_CLOCK'] ?? '';
const real = Date.now;
let ahead = 0;

const look = (): void => {
  ahead = Number(readFileSync(file, 'utf8'));
};
look();
setInterval(look, 20).unref();

const now = (): number => real() + ahead;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: [], made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made) as object,
  apply: () => new Date(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
