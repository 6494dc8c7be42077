import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GreenparkError } from '../model/errors.ts';

export interface LetterOptions {
  readonly url: string;
  readonly token: string;
  readonly park?: string;
  readonly reason?: string;
  readonly transport?: string;
  readonly gateway?: string;
  readonly meter?: string;
  readonly topic?: string;
  readonly text?: string;
  readonly from?: string;
  readonly to?: string;
  readonly state?: string;
}
export type ReplayLettersOptions = LetterOptions;

const KEYS = ['park', 'reason', 'transport', 'gateway', 'meter', 'topic', 'text', 'from', 'to', 'state'] as const;
/** Letters of one call: so that progress is seen. */
const AT_ONCE = 500;
const COUNTED = ['letters', 'messages', 'accepted', 'partly', 'refused', 'leftOut', 'cut', 'notOriginal', 'already', 'failed'] as const;
type Report = Record<(typeof COUNTED)[number], number> & { readonly next: string | null };

export async function listLetters({ limit, ...options }: LetterOptions & { readonly limit: number }): Promise<void> {
  const query = new URLSearchParams({ ...searchOf(options), limit: String(limit) });
  const { items } = (await (await ask(options, `?${query}`)).json()) as { items: readonly Readonly<Record<string, string | number | null>>[] };
  for (const { id, receivedAt, transport, topic, reason, detail, attempts, replayedAt } of items) {
    const state = replayedAt !== null ? ' (replayed)' : attempts === 0 ? '' : ` (tried again ${attempts} times)`;
    console.log(`${id}  ${receivedAt}  ${transport} ${topic}\n    ${reason}${state}: ${detail}`);
  }
}

export async function exportLetters(options: LetterOptions): Promise<void> {
  const { body } = await ask(options, `/export?${new URLSearchParams(searchOf(options))}`);
  if (body !== null) await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), process.stdout, { end: false });
}

export async function replayLetters(ids: readonly string[], options: ReplayLettersOptions): Promise<void> {
  const numbers = ids.map(Number);
  if (numbers.some((id) => !Number.isInteger(id) || id < 1))
    throw new GreenparkError('INPUT_INVALID', 'letters are named by their numbers, as `list` shows them');
  const filter = searchOf(options);
  if (numbers.length > 0 && Object.keys(filter).length > 0)
    throw new GreenparkError('INPUT_INVALID', 'name letters by their numbers or by options, not by both');
  const chosen = numbers.length > 0 ? { ids: numbers } : { filter };
  const sum = Object.fromEntries(COUNTED.map((key) => [key, 0])) as Record<(typeof COUNTED)[number], number>;
  for (let cursor: string | null = null; ; ) {
    const answer = await ask(options, '/replay', { ...chosen, limit: AT_ONCE, ...(cursor === null ? {} : { cursor }) });
    const report = (await answer.json()) as Report;
    for (const key of COUNTED) sum[key] += report[key];
    cursor = report.next;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${cursor === null ? '' : `${sum.letters} letters tried`}`);
    if (cursor === null) break;
  }
  console.log(
    `${sum.letters} letters of ${sum.messages} messages: ${sum.accepted} accepted, ${sum.partly} in part, ${sum.refused} refused again, ${sum.leftOut} left out by a mapping; ` +
      `not tried: ${sum.cut} letters cut, ${sum.notOriginal} not the original message, ${sum.already} replayed before; ${sum.failed} messages could not be taken now`,
  );
  if (sum.partly + sum.refused + sum.leftOut + sum.cut + sum.notOriginal + sum.failed > 0)
    throw new GreenparkError('CONFLICT', 'not every letter was replayed wholly');
}

const searchOf = (options: LetterOptions): Record<string, string> =>
  Object.fromEntries(KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));

async function ask({ url, token }: LetterOptions, path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(
    `${url}/api/v1/dead-letters${path}`,
    body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) },
  ).catch((error: unknown) => {
    throw new GreenparkError('NOT_FOUND', `no service answers at ${url}; start it or say where it is with --url`, { cause: error });
  });
  if (answer.ok) return answer;
  const { code, detail } = (await answer.json().catch(() => ({}))) as { readonly code?: string; readonly detail?: string };
  throw new GreenparkError('INPUT_INVALID', `${url} answered ${answer.status} ${code ?? ''}: ${detail ?? 'no reason given'}`);
}
