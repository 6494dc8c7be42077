import type { StatisticPeriod } from '../../../model/instrument-statistics.ts';
import type { AnswerCommand } from './write.ts';

/** What a command (CN) from a logger is to us. */
export type Command =
  | { readonly kind: 'realtime'; readonly answer: AnswerCommand }
  | { readonly kind: 'statistics'; readonly period: StatisticPeriod; readonly answer: AnswerCommand }
  /** Well formed and of no use here: rests as a dead letter and is answered, as a logger would repeat it for ever. */
  | { readonly kind: 'unused'; readonly what: string; readonly answer: AnswerCommand }
  /** Says something and holds no values. A null answer: which one is right is not known. */
  | { readonly kind: 'notice'; readonly answer: AnswerCommand | null };

const COMMANDS: Readonly<Record<string, Command>> = {
  '2011': { kind: 'realtime', answer: '9014' },
  '2051': { kind: 'statistics', period: 'minute', answer: '9014' },
  '2061': { kind: 'statistics', period: 'hour', answer: '9014' },
  '2031': { kind: 'statistics', period: 'day', answer: '9014' },
  // Asks for the right time; setting clocks is the supervising platform's affair.
  '1013': { kind: 'notice', answer: '9013' },
  // Power-on time (2017; the kind of its answer from memory).
  '2081': { kind: 'notice', answer: '9014' },
  // Heartbeat, HJ 212-2025.
  '9015': { kind: 'notice', answer: '9013' },
  // Sign-in of the 2005 edition; its answer is not known.
  '9021': { kind: 'notice', answer: null },
  // Answers to requests; we make none.
  '9011': { kind: 'notice', answer: null },
  '9012': { kind: 'notice', answer: null },
  '9013': { kind: 'notice', answer: null },
  '9014': { kind: 'notice', answer: null },
};

/** Names of what is not used, for people: 2005 and 2017, then HJ 212-2025. */
const UNUSED: Readonly<Record<string, string>> = {
  '2012': 'end of real-time data',
  '2021': 'state of equipment',
  '2022': 'end of the state of equipment',
  '2041': 'running time of equipment',
  '2071': 'alarm limits',
  '2072': 'alarms',
  '3019': 'identity of an instrument',
  '3020': 'information of an instrument',
  '3021': 'settings of an instrument',
  '2013': 'raw data of VOC',
  '2052': 'single values of noise',
  '2062': 'results of a standard check',
  '2111': 'furnace temperature',
};
/** Names of what a platform asks for or sets, and of a logger's answers to that; of 1001, 1002 and 1014 HJ 212-2025. */
const REQUESTS: Readonly<Record<string, string>> = {
  '1000': 'timeout and number of repeats',
  '1001': 'hardware number of a logger',
  '1002': 'assignment of an MN',
  '1011': 'time of a logger',
  '1012': 'setting of the time',
  '1014': 'new key',
  '1061': 'interval of real-time data',
  '1062': 'setting of the interval of real-time data',
  '1063': 'interval of minute data',
  '1064': 'setting of the interval of minute data',
  '1072': 'setting of the password',
  '3011': 'zero and span calibration',
  '3012': 'sampling at once',
  '3013': 'cleaning',
  '3014': 'sampling for comparison',
  '3015': 'sample kept of an exceedance',
  '3016': 'setting of the sampling period',
  '3017': 'sampling period',
  '3018': 'time of sample output',
};
/** What the standard numbers as data; a later edition may have more of them. */
const DATA = /^2\d{3}$/;

/** undefined: no command that a logger sends of its own accord, or none at all. */
export function commandOf(cn: string | null): Command | undefined {
  if (cn === null) return undefined;
  if (Object.hasOwn(COMMANDS, cn)) return COMMANDS[cn];
  const what = Object.hasOwn(UNUSED, cn) ? UNUSED[cn] : undefined;
  // The kind of answer is from memory for 3019 to 3021.
  return what === undefined && !DATA.test(cn) ? undefined : { kind: 'unused', what: what ?? 'data of a kind that is not known', answer: '9014' };
}

/** What a command that is not taken would be, for people; null where that is not known. */
export const requestName = (cn: string | null): string | null => (cn !== null && Object.hasOwn(REQUESTS, cn) ? (REQUESTS[cn] ?? null) : null);
