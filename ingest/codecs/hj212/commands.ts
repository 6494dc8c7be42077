import type { StatisticPeriod } from '../../../model/instrument-statistics.ts';
import type { AnswerCommand } from './write.ts';

/** What a command (CN) from a logger is to us. */
export type Command =
  | { readonly kind: 'realtime'; readonly answer: AnswerCommand }
  | { readonly kind: 'statistics'; readonly period: StatisticPeriod; readonly answer: AnswerCommand }
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

export const commandOf = (cn: string | null): Command | undefined => (cn !== null && Object.hasOwn(COMMANDS, cn) ? COMMANDS[cn] : undefined);
