import type { MeterKind } from '../../../model/meter-kinds.ts';
import type { Decoded } from '../decoded.ts';
import { factorOf } from './factors.ts';
import { parseCp, type Segment } from './segment.ts';

/** As a gateway's link may have it. */
const NUMBER = /^[A-Za-z0-9_-]{1,27}$/;

/** What reports under a system code (ST). HJ 212-2017, table 5; the others are left to people. */
const KINDS: Readonly<Record<string, MeterKind>> = { '21': 'outfall', '22': 'ambient', '23': 'noise', '31': 'stack', '32': 'outfall' };

/** A logger whose number no gateway has, for the list of those that report and are not registered; nothing where the number could be none. */
export function strangerIn({ mn, st, cp }: Segment): Pick<Decoded, 'loggers'> {
  if (mn === null || !NUMBER.test(mn)) return {};
  const kind = KINDS[st ?? ''] ?? null;
  const codes = new Set(parseCp(cp).flatMap((group) => group.flatMap(({ name }) => (name.includes('-') ? [name.slice(0, name.indexOf('-'))] : []))));
  const quantities = [...codes].map((code) => factorOf(code, kind, st)?.quantity ?? code);
  return { loggers: [{ mn, kind, quantities: [...new Set(quantities)] }] };
}
