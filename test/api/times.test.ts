import { expect } from 'chai';
import { parseStep, parseTime } from '../../api/times.ts';

describe('times in a request', () => {
  const instants: readonly (readonly [text: string, expected: number | null])[] = [
    ['1767225600000', 1767225600000],
    ['2026-01-01T08:00:00+08:00', Date.UTC(2026, 0, 1)],
    ['2026-01-01T08:00:00 08:00', Date.UTC(2026, 0, 1)],
    ['2025-12-31T19:00-05:00', Date.UTC(2026, 0, 1)],
    ['2026-01-01T00:00:00.250Z', Date.UTC(2026, 0, 1) + 250],
    ['2024-02-29T00:00:00+08:00', Date.UTC(2024, 1, 28, 16)],
    ['2026-02-29T00:00:00+08:00', null],
    ['2026-13-01T00:00:00Z', null],
    ['2026-01-01T25:00:00Z', null],
  ];
  for (const [text, expected] of instants)
    it(`reads ${text} as ${expected === null ? 'no instant' : new Date(expected).toISOString()}`, () => expect(parseTime(text)).to.equal(expected));

  const steps: readonly (readonly [text: string, expected: number | null])[] = [
    ['60', 60_000],
    ['PT15M', 900_000],
    ['PT1H30M', 5_400_000],
    ['P1D', 86_400_000],
    ['P1W', 604_800_000],
    ['P1DT12H', 129_600_000],
    ['0', null],
    ['PT0S', null],
    ['P1M', null],
    ['P', null],
    ['1h', null],
  ];
  for (const [text, expected] of steps)
    it(`reads the step ${text} as ${expected === null ? 'none' : `${expected / 1000} s`}`, () => expect(parseStep(text)).to.equal(expected));
});
