import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { commandOf } from '../../../../ingest/codecs/hj212/commands.ts';
import { crcOf, crcText } from '../../../../ingest/codecs/hj212/crc.ts';
import { type DeviceContext, decodeSegment } from '../../../../ingest/codecs/hj212/decode.ts';
import { factorName } from '../../../../ingest/codecs/hj212/factor-names.ts';
import { factorOf } from '../../../../ingest/codecs/hj212/factors.ts';
import { PacketJoiner } from '../../../../ingest/codecs/hj212/packets.ts';
import { parseCp, parseSegment, wallTime } from '../../../../ingest/codecs/hj212/segment.ts';
import { FrameSplitter, type RawFrame } from '../../../../ingest/codecs/hj212/splitter.ts';
import { writeAnswer, writeFrame } from '../../../../ingest/codecs/hj212/write.ts';
import { framesOf } from '../../../../ingest/simulators/hj212-station.ts';
import type { MeterId, ParkId } from '../../../../model/ids.ts';
import type { MeterKind } from '../../../../model/meter-kinds.ts';
import { QUALITY } from '../../../../model/quality.ts';
import { findQuantity } from '../../../../model/quantities.ts';
import { conversion } from '../../../../model/units.ts';
import { fuzzRuns } from '../../../fuzz-runs.ts';

const split = (text: string | Uint8Array): RawFrame[] => new FrameSplitter(10_240).push(Buffer.from(text as string));
const textOf = ({ segment }: RawFrame): string => segment.toString('latin1');
const SEGMENT = 'QN=20260101080000000;ST=31;CN=2011;PW=secret;MN=LOGGER_1;Flag=5;CP=&&DataTime=20260101080000;a21026-Rtd=12.5,a21026-Flag=N&&';

const device = (override: Partial<DeviceContext> = {}, link: Partial<DeviceContext['link']> = {}): DeviceContext => ({
  park: 'p-1' as ParkId,
  link: { type: 'hj212', mn: 'LOGGER_1', meter: 'stack-1' as MeterId, ...link },
  meter: () => ({ kind: 'stack' }),
  instant: (wall) => wall - 8 * 3_600_000,
  ...override,
});
const decode = (cp: string, { cn = '2011', st = '31', head = '' } = {}, context = device()) =>
  decodeSegment(parseSegment(`QN=20260101080000000;ST=${st};CN=${cn};PW=x;MN=LOGGER_1;Flag=5${head};CP=&&${cp}&&`), context);
const TIME = 'DataTime=20260101080000';

describe('HJ 212 CRC', () => {
  it('has the values that the standard’s steps give', () => {
    expect(crcText(crcOf(Buffer.alloc(0)))).to.equal('FFFF');
    expect(crcText(crcOf(Buffer.from([0])))).to.equal('4040');
    expect(crcText(crcOf(Buffer.from('123456789'), 'modbus'))).to.equal('4B37');
  });
});

describe('HJ 212 frames in a stream', function () {
  this.timeout(300_000);
  const frame = writeFrame(SEGMENT).toString('latin1');
  const body = frame.slice(0, -2);
  const cases: readonly (readonly [string, string, readonly (readonly [segment: string, lengthFits: boolean, hasCrc: boolean])[]])[] = [
    [
      'two in one read',
      frame + frame,
      [
        [SEGMENT, true, true],
        [SEGMENT, true, true],
      ],
    ],
    [
      'ended by LF alone',
      `${body}\n${frame}`,
      [
        [SEGMENT, true, true],
        [SEGMENT, true, true],
      ],
    ],
    [
      'without a line’s end',
      body + body,
      [
        [SEGMENT, true, true],
        [SEGMENT, true, true],
      ],
    ],
    ['after noise', `\0\xff#x${frame}`, [[SEGMENT, true, true]]],
    [
      'with a length too long',
      `##9999${body.slice(6)}\r\n${frame}`,
      [
        [SEGMENT, false, true],
        [SEGMENT, true, true],
      ],
    ],
    ['with a length too short', `##0010${body.slice(6)}\r\n`, [[SEGMENT, false, true]]],
    ['without a length', `##${body.slice(6)}\r\n`, [[SEGMENT, false, true]]],
    ['without a CRC', `${body.slice(0, -4)}\r\n`, [[SEGMENT, true, false]]],
    [
      'cut in the middle before the next',
      body.slice(0, 60) + frame,
      [
        [SEGMENT.slice(0, 54), false, false],
        [SEGMENT, true, true],
      ],
    ],
  ];
  for (const [title, stream, expected] of cases) {
    it(`are found ${title}, in one read and byte by byte`, () => {
      const oneByOne = new FrameSplitter(10_240);
      const bytes = Buffer.from(stream, 'latin1');
      for (const frames of [split(bytes), [...bytes].flatMap((byte) => oneByOne.push(Uint8Array.of(byte)))]) {
        expect(frames.map((each) => [textOf(each), each.length === each.segment.length, each.crc !== null])).to.deep.equal(expected);
      }
    });
  }

  it('beyond the bound are dropped and counted, and the next is found', () => {
    const splitter = new FrameSplitter(1000);
    expect(splitter.push(Buffer.from(`##${'x'.repeat(2000)}`))).to.deep.equal([]);
    expect([splitter.overlong, splitter.heldBytes]).to.deep.equal([1, 0]);
    expect(splitter.push(Buffer.from(frame)).map(textOf)).to.deep.equal([SEGMENT]);
  });

  it('read back equal however they are cut', () => {
    const group = fc
      .tuple(fc.stringMatching(/^[aw][0-9]{5}$/), fc.double({ noNaN: true, noDefaultInfinity: true }))
      .map(([code, value]) => `${code}-Rtd=${value},${code}-Flag=N`);
    const messages = fc.array(fc.record({ groups: fc.array(group, { maxLength: 60 }), at: fc.integer({ min: 1e12, max: 2e12 }) }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(messages, fc.array(fc.nat(4000), { maxLength: 12 }), (list, cuts) => {
        const frames = list.flatMap(({ groups, at }) => framesOf({ cn: '2011', st: '31', at, groups }, '20260101080000000', { mn: 'M', pw: 'p' }));
        const stream = Buffer.concat(frames);
        const splitter = new FrameSplitter(10_240);
        const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
        const found = at.slice(1).flatMap((end, index) => splitter.push(stream.subarray(at[index], end)));
        expect(found.map((each) => writeFrame(textOf(each)).toString('latin1'))).to.deep.equal(frames.map((each) => each.toString('latin1')));
        for (const each of found) expect(crcOf(each.segment)).to.equal(each.crc);
      }),
      { numRuns: fuzzRuns() },
    );
  });

  it('never throw, hang or grow, whatever comes', () => {
    const piece = fc.oneof(
      fc.constantFrom('##', '#', '\r\n', '&&', 'CP=&&', ';', ',', '=', '0101', 'PNUM=2;PNO=1', SEGMENT, frame, 'CN=2051', 'CN=2011', 'MN=LOGGER_1', TIME),
      fc.string({ maxLength: 20 }),
      fc.stringMatching(/^[aw][0-9]{5}-(Rtd|Avg|Flag|ZsAvg|Cou)=[0-9.NDe-]{0,6}$/),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const splitter = new FrameSplitter(500);
        const joiner = new PacketJoiner();
        for (const part of pieces) {
          for (const { segment } of splitter.push(Buffer.from(part))) {
            const parsed = parseSegment(segment.toString('latin1'));
            parseCp(parsed.cp);
            joiner.add(parsed, 0);
            decodeSegment(parsed, device());
            writeAnswer(parsed, '9014');
          }
          expect(splitter.heldBytes).to.be.at.most(500);
        }
      }),
      { numRuns: fuzzRuns() },
    );
  });
});

describe('HJ 212 messages', () => {
  it('become readings at their time in the park’s zone, converted values as quantities of their own', () => {
    const { frames, refusals } = decode(`${TIME};a21026-Rtd=12.5,a21026-ZsRtd=15.1,a21026-Flag=N;a00000-Rtd=2`);
    expect(refusals).to.deep.equal([]);
    expect(frames).to.deep.equal([
      { meter: 'stack-1', ts: Date.UTC(2026, 0, 1), values: { stack_so2: 12.5, stack_so2_converted: 15.1, stack_flow: 7200 }, flags: {}, where: '' },
    ]);
  });

  const flags = [
    ['N', undefined],
    ['S', QUALITY.estimated],
    ['F', QUALITY.maintenance],
    ['M', QUALITY.maintenance],
    ['C', QUALITY.calibration],
    ['T', QUALITY.range],
    ['D', QUALITY.fault],
    ['B', QUALITY.fault],
    ['H', QUALITY.fault],
  ] as const;
  for (const [flag, quality] of flags) {
    it(`flagged ${flag} are ${quality === undefined ? 'judged as ours' : `quality ${quality}`}`, () => {
      expect(decode(`${TIME};a21026-Rtd=1,a21026-Flag=${flag}`).frames[0]?.flags?.['stack_so2']).to.equal(quality);
    });
  }

  const statistics = [
    ['2051', 'minute'],
    ['2061', 'hour'],
    ['2031', 'day'],
  ] as const;
  for (const [cn, period] of statistics) {
    it(`of command ${cn} are the instrument's own statistics of the ${period}, never readings`, () => {
      const { frames, refusals } = decode(`${TIME};a21026-Avg=2,a21026-Min=1,a21026-Max=3,a21026-Cou=9,a21026-ZsAvg=4;a01012-Cou=0`, { cn });
      expect(refusals).to.deep.equal([]);
      const so2 = `stack_so2_${period}`;
      expect(frames[0]?.values).to.deep.equal({
        ...{ [`${so2}_avg`]: 2, [`${so2}_min`]: 1, [`${so2}_max`]: 3, [`${so2}_total`]: 9, [`stack_so2_converted_${period}_avg`]: 4 },
      });
    });
  }

  it('have the unit of the meter’s record, statistics that of their quantity', () => {
    const own = device({ meter: () => ({ kind: 'outfall', units: { outfall_flow: 'm³/s' } }) });
    expect(decode(`${TIME};w00000-Rtd=1`, { st: '32' }, own).frames[0]?.values).to.deep.equal({ outfall_flow: 1 });
    expect(decode(`${TIME};w00000-Avg=1,w00000-Cou=600`, { st: '32', cn: '2051' }, own).frames[0]?.values).to.deep.equal({
      outfall_flow_minute_avg: 3600,
      outfall_flow_minute_total: 600,
    });
  });

  // What the codes of several places mean at each of them.
  const places = [
    ['a21004', { stack: 'stack_no2', ambient: 'no2' }],
    ['a21026', { stack: 'stack_so2', ambient: 'so2' }],
    ['a21005', { stack: 'stack_co', ambient: 'co' }],
    ['a24088', { stack: 'stack_nmhc', ambient: 'nmhc' }],
    ['a21002', { stack: 'stack_nox', ambient: null }],
    ['a34013', { stack: 'stack_dust', ambient: null }],
    ['a21003', { stack: 'stack_no', ambient: null }],
    ['a21018', { stack: 'stack_fluorides', ambient: null }],
    ['a21024', { stack: 'stack_hcl', ambient: null }],
  ] as const;
  for (const [code, { stack, ambient }] of places) {
    it(`have ${code} of a stack as ${stack}, by the meter’s kind or the system code, and of the open air as ${ambient ?? 'none'}`, () => {
      const found = (kind: MeterKind, st: string) =>
        decode(`${TIME};${code}-Rtd=45`, { st }, device({ meter: () => ({ kind }) })).frames.map(({ values }) => values);
      expect([found('stack', '22'), found('noise', '31')]).to.deep.equal([[{ [stack]: 45 }], [{ [stack]: 45 }]]);
      const there = ambient === null ? [] : [{ [ambient]: 45 }];
      expect([found('ambient', '31'), found('ambient', '32'), found('noise', '22')]).to.deep.equal([there, there, there]);
      expect([found('outfall', '32'), found('outfall', '22'), found('noise', '32')]).to.deep.equal([[], [], []]);
    });
  }

  it('have NO₂ of a stack within what is possible there, with its converted values, its statistics and its mass', () => {
    expect(decode(`${TIME};a21004-Rtd=45,a21004-ZsRtd=61`).frames[0]?.values).to.deep.equal({ stack_no2: 45, stack_no2_converted: 61 });
    expect(findQuantity('stack_no2')).to.deep.include({ unit: 'mg/m³', range: [0, 50_000] });
    expect(decode(`${TIME};a21004-Avg=45,a21004-ZsAvg=61,a21004-Cou=3`, { cn: '2061' }).frames[0]?.values).to.deep.equal({
      ...{ stack_no2_hour_avg: 45, stack_no2_converted_hour_avg: 61, stack_no2_hour_total: 3 },
    });
    expect(findQuantity('stack_no2_hour_total')?.unit).to.equal('kg');
  });

  it('have NO, HCl and fluorides of a stack, by either code, with their converted values, their statistics and their mass', () => {
    const { frames, refusals } = decode(`${TIME};a21003-Rtd=1;08-Rtd=2,08-ZsRtd=3,a21018-Rtd=4,a21018-ZsRtd=5`);
    expect([frames[0]?.values, refusals]).to.deep.equal([
      { stack_no: 1, stack_hcl: 2, stack_hcl_converted: 3, stack_fluorides: 4, stack_fluorides_converted: 5 },
      [],
    ]);
    expect(decode(`${TIME};06-Cou=1,06-ZsMax=2;a21003-Avg=3`, { cn: '2031' }).frames[0]?.values).to.deep.equal({
      ...{ stack_fluorides_day_total: 1, stack_fluorides_converted_day_max: 2, stack_no_day_avg: 3 },
    });
  });

  it('follow the link for factors of other meters, other scales, and those that are left out', () => {
    const own = device({}, { factors: { a21026: { meter: 'm-2' as MeterId, scale: 2 }, a21018: { ignore: true } } });
    expect(decode(`${TIME};a21026-Rtd=3;a21018-Rtd=1;a19001-Rtd=9`, {}, own)).to.deep.include({ refusals: [] });
    expect(decode(`${TIME};a21026-Rtd=3;a19001-Rtd=9`, {}, own).frames.map(({ meter, values }) => [meter, values])).to.deep.equal([
      ['m-2', { stack_so2: 6 }],
      ['stack-1', { stack_oxygen: 9 }],
    ]);
  });

  const refused = [
    ['a factor that is not known', `${TIME};zz9999-Rtd=1`, '2011', 'unknown-quantity'],
    ['a suffix with a typing error', `${TIME};LA-td=50.1`, '2011', 'unknown-quantity'],
    ['a mean among real-time values', `${TIME};a21026-Avg=1`, '2011', 'unknown-quantity'],
    ['a second value of a quantity', `${TIME};a21026-Rtd=1,a21026-Rtd=2`, '2011', 'repeated-key'],
    ['what is no number', `${TIME};a21026-Rtd=--`, '2011', 'not-a-number'],
    ['a value that its name is not joined to', `${TIME};a01012-Rtd 121`, '2011', 'wrong-shape'],
    ['a value without a name', `${TIME};=121`, '2011', 'wrong-shape'],
    ['a value without a factor code', `${TIME};-Rtd=5`, '2011', 'wrong-shape'],
    ['a flag without a factor code', `${TIME};-Flag=D`, '2011', 'wrong-shape'],
    ['the daytime of what is no noise', `${TIME};a21026-DayData=5`, '2031', 'unknown-quantity'],
    ['a level of the daytime in an hour', `${TIME};LA-DayData=5`, '2061', 'unknown-quantity'],
    ['a named factor that does not say what it is of', `${TIME};a21028=5`, '2011', 'unknown-quantity'],
    ['a time that no calendar has', 'DataTime=20261301080000;a21026-Rtd=1', '2011', 'bad-time'],
    ['a statistic without a time', 'a21026-Avg=1', '2051', 'bad-time'],
    ['a command that no logger sends', TIME, '1072', 'unknown-command'],
    ['values that are encrypted', '{0xE4,0x3E}', '2011', 'encrypted'],
    ['a message without values', TIME, '2011', 'empty'],
  ] as const;
  for (const [title, cp, cn, reason] of refused) {
    it(`refuse ${title}`, () => expect(decode(cp, { cn }).refusals.map((each) => each.reason)).to.deep.equal([reason]));
  }

  it('refuse what is no name=value part by part, say it, and take the rest', () => {
    const { frames, refusals } = decode(`${TIME};a01012-Rtd 121;a19001-Rtd=9,spare,a19001-Flag=N;7;a21026-Rtd=1`);
    expect(frames[0]?.values).to.deep.equal({ stack_oxygen: 9, stack_so2: 1 });
    expect(refusals.map(({ reason, detail }) => [reason, detail.split(';')[0]])).to.deep.equal(
      ['a01012-Rtd 121', 'spare', '7'].map((part) => ['wrong-shape', `"${part}" is no name=value`]),
    );
  });

  it('refuse what has no factor code, say it, and take the rest', () => {
    const { frames, refusals, missing } = decode(`${TIME};a19001-Rtd=9,-Rtd=5,7,-Flag=D,a19001-Flag=N;a21026-Rtd=1`);
    expect([frames[0]?.values, frames[0]?.flags, missing]).to.deep.equal([{ stack_oxygen: 9, stack_so2: 1 }, {}, 0]);
    expect(refusals.map(({ reason, detail }) => [reason, detail])).to.deep.equal(
      ['-Rtd=5,7', '-Flag=D'].map((part) => ['wrong-shape', `"${part}" has no factor code before the dash; expected e.g. a01012-Rtd`]),
    );
  });

  it('say it once of a factor that is not taken, and count each of its values', () => {
    const { refusals } = decode(`${TIME};a21028-Avg=1,a21028-Min=1,a21028-Max=1,a21028-Cou=1;zz9999-Avg=1`, { cn: '2051' });
    expect(refusals.map(({ detail, count }) => [/^factor "(.*?)"/.exec(detail)?.[1], count])).to.deep.equal([
      ['a21028', 4],
      ['zz9999', 1],
    ]);
  });

  it('say of a factor without a quantity what it is, by either code', () => {
    const said = (code: string, kind: MeterKind = 'stack') =>
      /^factor "[^"]+" \((.+)\) has no quantity at a meter of this kind; /.exec(
        decode(`${TIME};${code}-Rtd=1`, { st: '22' }, device({ meter: () => ({ kind }) })).refusals[0]?.detail ?? '',
      )?.[1];
    expect([said('a21028'), said('05'), said('A25002')]).to.deep.equal(['硫化氢, hydrogen sulfide', '硫化氢, hydrogen sulfide', '苯, benzene']);
    expect(said('a21024', 'ambient')).to.equal('氯化氢, hydrogen chloride');
    expect([said('a21002', 'ambient'), said('03', 'ambient')]).to.deep.equal(['氮氧化物, nitrogen oxides', '氮氧化物, nitrogen oxides']);
    expect(said('d20105')).to.equal('用电监控, electricity monitoring of HJ 212-2025');
    expect(said('zz9999')).to.equal(undefined);
  });

  it('of noise become its levels and their statistics, those of a day by daytime and night', () => {
    const at = (cp: string, cn: string) => {
      const { frames, refusals } = decode(`${TIME};${cp}`, { cn, st: '23' }, device({ meter: () => ({ kind: 'noise' }) }));
      expect(refusals).to.deep.equal([]);
      return frames[0]?.values;
    };
    expect(at('LA-Rtd=50.1;Leq-Rtd=52;L5-Rtd=60;L10-Rtd=58;L50-Rtd=51;L90-Rtd=45;L95-Rtd=44;LMx-Rtd=71;LMn-Rtd=40', '2011')).to.deep.equal({
      ...{ sound_level_momentary: 50.1, sound_level: 52, sound_level_l5: 60, sound_level_l10: 58, sound_level_l50: 51 },
      ...{ sound_level_l90: 45, sound_level_l95: 44, sound_level_max: 71, sound_level_min: 40 },
    });
    expect(at('Ld-Rtd=55;Ln-Rtd=45;Ldn-Rtd=57', '2011')).to.deep.equal({ sound_level_daytime: 55, sound_level_nighttime: 45, sound_level_day_night: 57 });
    expect(at('Leq-Avg=52,Leq-Max=60;L10-Avg=58;Lmx-Max=71', '2061')).to.deep.equal({
      ...{ sound_level_hour_avg: 52, sound_level_hour_max: 60, sound_level_l10_hour_avg: 58, sound_level_max_hour_max: 71 },
    });
    expect(at('LA-DayData=55.4,LA-NightData=46.2,LA-Flag=N', '2031')).to.deep.equal({
      ...{ sound_level_daytime_day_avg: 55.4, sound_level_nighttime_day_avg: 46.2 },
    });
    expect(decode(`${TIME};Leq-daydata=55,Leq-Flag=D`, { cn: '2031', st: '23' }).frames[0]).to.deep.include({
      ...{ values: { sound_level_daytime_day_avg: 55 }, flags: { sound_level_daytime_day_avg: QUALITY.fault } },
    });
  });

  const cut = [
    ['a01012-Rtd=121,7,a01012-Flag=N', '121,7'],
    ['a01012-Rtd=121, 7', '121,7'],
    ['a01012-Rtd=,7,a01012-Flag=D', ',7'],
    ['a01012-Rtd=1,234.5', '1,234.5'],
    ['a01012-Rtd=1,234,567,a01012-Flag=N', '1,234,567'],
  ] as const;
  for (const [group, text] of cut) {
    it(`store nothing of the number that a comma cuts in ${group}, and the values beside it`, () => {
      const { frames, refusals } = decode(`${TIME};a21026-Rtd=1;${group};a19001-Rtd=9`);
      expect(frames.map(({ values }) => values)).to.deep.equal([{ stack_so2: 1, stack_oxygen: 9 }]);
      const detail = `"a01012-Rtd" is "${text}"; expected a number with a decimal point: a decimal comma cuts it in two`;
      expect(refusals).to.deep.equal([{ reason: 'not-a-number', detail, count: 1 }]);
    });
  }

  it('lose no digits behind a flag, a time or a value that is left out', () => {
    const own = device({}, { factors: { a21018: { ignore: true } } });
    const reasons = (cp: string) => decode(cp, {}, own).refusals.map(({ reason }) => reason);
    expect(reasons(`${TIME},5;a21026-Rtd=1,a21026-Flag=N,5`)).to.deep.equal(['wrong-shape', 'wrong-shape']);
    expect(reasons(`${TIME};a21026-Rtd=1;a21018-Rtd=1,5`)).to.deep.equal([]);
  });

  for (const text of ['', 'NaN', '--', '-', 'null']) {
    it(`understand "${text}" as a value that is not there where it is flagged, and refuse it as no number where it is normal`, () => {
      for (const flag of ['B', 'd', 'F', 'H']) {
        const told = decode(`${TIME};a01012-Rtd=${text},a01012-Flag=${flag};a19001-Rtd=${text};a19001-Flag=${flag}`);
        expect(told, flag).to.deep.include({ frames: [], refusals: [], understood: true, missing: 2 });
      }
      for (const group of [`a01012-Rtd=${text},a01012-Flag=N`, `a01012-Rtd=${text},a01012-Flag=`, `a01012-Rtd=${text}`]) {
        const told = decode(`${TIME};${group}`);
        expect([told.refusals.map(({ reason }) => reason), told.understood, told.missing], group).to.deep.equal([['not-a-number'], undefined, 0]);
      }
    });
  }

  it('understand a flag that stands alone, and count it once for each time', () => {
    expect(decode(`${TIME};a01012-Flag=D`)).to.deep.include({ frames: [], refusals: [], understood: true, missing: 1 });
    expect(decode(`${TIME};a01012-Flag=D;DataTime=20260101080100;a01012-Rtd=1;DataTime=20260101080200;a01012-Flag=B`).missing).to.equal(2);
    expect(decode(`${TIME};a01012-Flag=D;a01012-Rtd=1`).missing).to.equal(0);
    expect(decode(`${TIME};a01012-Flag=N`).refusals.map(({ reason }) => reason)).to.deep.equal(['empty']);
  });

  it('count no missing value of a factor that the link ignores', () => {
    const own = device({}, { factors: { a21018: { ignore: true } } });
    for (const group of ['a21018-Rtd=,a21018-Flag=D', 'a21018-Flag=D'])
      expect(decode(`${TIME};${group}`, {}, own)).to.deep.include({ refusals: [], understood: true, missing: 0 });
  });

  it('store the values beside one that is not there, and refuse what else is wrong', () => {
    const { frames, refusals, missing } = decode(`${TIME};a01012-Rtd=,a01012-Flag=B;a21026-Rtd=1,a21026-Flag=N;a19001-Rtd=x`);
    expect([frames[0]?.values, refusals.map(({ reason }) => reason), missing]).to.deep.equal([{ stack_so2: 1 }, ['not-a-number'], 1]);
    expect(decode(`${TIME};a01012-Rtd=12x,a01012-Flag=B`))
      .to.deep.include({ missing: 0 })
      .and.not.have.property('understood');
  });

  it('pass over stray separators', () => {
    const { frames, refusals } = decode(`;;${TIME}; , ;a21026-Rtd=1,,a21026-Flag=N,; `);
    expect([frames[0]?.values, refusals]).to.deep.equal([{ stack_so2: 1 }, []]);
  });

  it('of commands that are well formed and not used rest as letters, and are understood, so that they are answered', () => {
    for (const cn of ['2012', '2013', '2021', '2022', '2041', '2052', '2062', '2072', '2111', '2999', '3019', '3020', '3021']) {
      const { refusals, understood } = decode(TIME, { cn });
      expect([refusals.map(({ reason }) => reason), understood], cn).to.deep.equal([['unknown-command'], true]);
      expect(commandOf(cn)?.answer, cn).to.equal('9014');
    }
    for (const cn of ['1072', '3011', '20211', '9998', '']) expect(commandOf(cn), cn).to.equal(undefined);
  });

  it('of a command that is not taken are refused with what it is, where that is known', () => {
    const said = (cn: string) => decode(TIME, { cn }).refusals[0]?.detail.split('; ')[0];
    expect([said('3015'), said('1001'), said('9998')]).to.deep.equal([
      'command CN=3015 (sample kept of an exceedance) is not taken',
      'command CN=1001 (hardware number of a logger) is not taken',
      'command CN=9998 is not taken',
    ]);
  });

  it('are not understood for a field that is passed over where all else in them is refused', () => {
    const passedOver = 'SampleTime=20260101080000';
    expect(decode(`${TIME};${passedOver}`).understood).to.equal(true);
    expect(decode(`${TIME};${passedOver};a21026-Nonsense=1`)).to.not.have.property('understood');
  });

  it('are history where they are marked RF=1, and only there: neither statistics nor an old code say so', () => {
    const marks = (head: string) =>
      ['2011', '2031'].map((cn) => decode(`${TIME};a21026-${cn === '2011' ? 'Rtd' : 'Avg'}=1`, { cn, head }).frames[0]?.backfill === true);
    expect(marks(';RF=1')).to.deep.equal([true, true]);
    expect(marks('')).to.deep.equal([false, false]);
  });

  it('have the fields of their head without the blanks and commas around them', () => {
    const segment = parseSegment('QN= 20260101080000000;ST=31 ; CN = 2011 ;PW=\tx,;MN= 88880001 ;Flag= 5;CP=&&&&');
    expect(segment).to.include({ qn: '20260101080000000', st: '31', cn: '2011', pw: 'x', mn: '88880001', flag: 5 });
  });

  it('are answered strictly, in the version in which they came', () => {
    const answer = (flag: number) => writeAnswer(parseSegment(`QN=20260101080000000;PW=x;MN=M;Flag=${flag}`), '9014').toString('latin1');
    expect(answer(5).slice(6, -6)).to.equal('QN=20260101080000000;ST=91;CN=9014;PW=x;MN=M;Flag=4;CP=&&&&');
    expect(answer(11).slice(6, -6)).to.equal('QN=20260101080000000;ST=91;CN=9014;PW=x;MN=M;Flag=8;CP=&&&&');
    expect(answer(1).slice(6, -6)).to.equal('ST=91;CN=9014;PW=x;MN=M;Flag=0;CP=&&QN=20260101080000000&&');
  });

  it('split into packets are joined in any order, within bounds', () => {
    const packet = (pno: number, pnum = 2) => parseSegment(`QN=1;CN=2011;MN=M;Flag=7;PNUM=${pnum};PNO=${pno};CP=&&a=${pno}&&`);
    const joiner = new PacketJoiner({ sets: 1, allSets: 2, packets: 10, bytes: 1000, ms: 100 });
    expect(joiner.add(packet(2), 0)).to.equal(null);
    expect(joiner.add(packet(1), 0)).to.deep.include({ cp: 'a=1;a=2', pnum: null });
    expect(joiner.add(packet(3), 0)).to.be.a('string');
    expect(joiner.add(packet(1, 500), 0)).to.be.a('string');
    joiner.add(packet(1), 0);
    expect(joiner.expired(99)).to.have.length(0);
    joiner.postpone(50);
    expect(joiner.expired(149)).to.have.length(0);
    expect(joiner.expired(150)).to.have.length(1);
    expect(joiner.expired(1000)).to.have.length(0);
  });

  it('split beyond the bounds push out the oldest of the same logger, or of all, and no newer one', () => {
    const joiner = new PacketJoiner({ sets: 2, allSets: 3, packets: 10, bytes: 1000, ms: 100 });
    const packet = (mn: string, qn: number, pno: number) => parseSegment(`QN=${qn};CN=2011;MN=${mn};Flag=7;PNUM=2;PNO=${pno};CP=&&a=${mn}${qn}${pno}&&`);
    const pushedOut = () => joiner.expired(0).map(({ segment }) => `${segment.mn}${segment.qn}`);
    for (const [mn, qn] of [
      ['A', 1],
      ['B', 1],
      ['A', 2],
    ] as const)
      joiner.add(packet(mn, qn, 1), 0);
    expect(pushedOut()).to.deep.equal([]);
    joiner.add(packet('A', 3, 1), 0);
    expect(pushedOut()).to.deep.equal(['A1']);
    joiner.add(packet('C', 1, 1), 0);
    expect(pushedOut()).to.deep.equal(['B1']);
    expect(joiner.add(packet('A', 3, 2), 0)).to.deep.include({ cp: 'a=A31;a=A32' });
  });

  it('split without a QN are told apart by the time that each packet has', () => {
    const joiner = new PacketJoiner();
    const packet = (minute: number, pno: number) => parseSegment(`CN=2051;MN=M;PNUM=2;PNO=${pno};CP=&&DataTime=2026010108${minute}00;a=${minute}&&`);
    expect([joiner.add(packet(10, 2), 0), joiner.add(packet(11, 1), 0)]).to.deep.equal([null, null]);
    expect(joiner.add(packet(11, 2), 0)).to.deep.include({ cp: 'DataTime=20260101081100;a=11;DataTime=20260101081100;a=11' });
  });

  it('of several times give each its own values', () => {
    const { frames, refusals } = decode('DataTime=20260101080000;a21026-Rtd=1,a21026-Flag=N;DataTime=20260101080100;a21026-Rtd=2,a21026-Flag=D;a19001-Rtd=3');
    expect(refusals).to.deep.equal([]);
    const [first, second] = frames;
    expect((second?.ts ?? 0) - (first?.ts ?? 0)).to.equal(60_000);
    expect([Object.values(first?.values ?? {}), Object.values(second?.values ?? {})]).to.deep.equal([[1], [2, 3]]);
    expect(frames.map(({ flags }) => Object.keys(flags ?? {}).length)).to.deep.equal([0, 1]);
    expect(decode('DataTime=20260101080000;a21026-Rtd=1;DataTime=20260101080099;a21026-Rtd=2').refusals[0]?.reason).to.equal('bad-time');
  });

  it('have their suffixes in letters of any size', () => {
    const values = (cp: string, cn?: string) => decode(`${TIME};${cp}`, { cn: cn ?? '2011' }).frames[0]?.values;
    expect(values('a21026-rtd=1,a21026-ZSRTD=2,a01012-RTD=3')).to.deep.equal({ stack_so2: 1, stack_so2_converted: 2, stack_temperature: 3 });
    expect(values('a21026-avg=1,a21026-COU=2,a21026-zsmax=3', '2061')).to.deep.equal({
      ...{ stack_so2_hour_avg: 1, stack_so2_hour_total: 2, stack_so2_converted_hour_max: 3 },
    });
    expect(decode(`${TIME};a21026-rtd=1,a21026-Rtd=2`).refusals.map(({ reason }) => reason)).to.deep.equal(['repeated-key']);
  });

  it('have their flags in the group of the value or in one of their own, in letters of any size', () => {
    for (const cp of ['a21026-Rtd=5;a21026-Flag=D', 'a21026-Rtd=5,a21026-flag=D', 'A21026-Rtd=5,a21026-Flag=D']) {
      expect(Object.values(decode(`${TIME};${cp}`).frames[0]?.flags ?? {}), cp).to.deep.equal([QUALITY.fault]);
    }
  });

  it('are refused where a factor stands without what it is of', () => {
    expect(decode(`${TIME};a21026=5`).refusals.map(({ reason }) => reason)).to.deep.equal(['unknown-quantity']);
    expect(decode(`${TIME};PolNum=3`)).to.include({ understood: true });
  });

  it('are what is held at the end of the stream where that may be a whole one, and not its beginning', () => {
    const ended = (text: string) => {
      const splitter = new FrameSplitter(10_000);
      splitter.push(Buffer.from(text));
      return splitter.flush()?.segment.toString('latin1') ?? null;
    };
    expect(ended('##9999QN=1;MN=M;CP=&&a=1&&')).to.equal('QN=1;MN=M;CP=&&a=1&&');
    expect(ended('##QN=1;MN=M;CP=&&a=1&&ABCD')).to.equal('QN=1;MN=M;CP=&&a=1&&');
    for (const begun of ['##9999QN=1;MN=M;CP=&&a=1', '##0020QN=1', '##', 'x']) expect(ended(begun), begun).to.equal(null);
  });
});

describe('the factors', () => {
  const file = resolve('../shared/reference/data/hj212-codes.json');
  before(function () {
    if (existsSync(file)) return;
    if (process.env['CI'] === 'true') throw new Error(`${file} is missing`);
    this.skip();
  });

  it('have at a stack and an outfall, by either code, the unit of the standard, but for its ng/m³, which is met nowhere', () => {
    const { factors } = JSON.parse(readFileSync(file, 'utf8')) as {
      factors: readonly { code: string; old_code: string | null; unit: string; confidence: string }[];
    };
    const written: Readonly<Record<string, string>> = { degC: '°C', '-': '1' };
    const known = factors.filter(({ code, unit, confidence }) => factorOf(code, 'stack', '31') !== undefined && unit !== 'ng/m3' && confidence === 'high');
    expect(known).to.have.length(30);
    for (const { code, old_code: old, unit } of known) {
      for (const name of old === null ? [code] : [code, old]) {
        const [[quantity, value] = ['', 0]] = Object.entries(decode(`${TIME};${name}-Rtd=1`).frames[0]?.values ?? {});
        expect(value, name).to.equal(conversion(written[unit] ?? unit, findQuantity(quantity)?.unit ?? '1')?.factor);
      }
    }
  });
});

describe('the names of factors', () => {
  it('are known of all that the tables have and the catalogue does not, at meters of any kind', function () {
    const files = ['reference/data/hj212-codes.json', 'data/hj212_factor_codes.csv'].map((file) => resolve('../shared', file));
    if (!files.every(existsSync)) {
      if (process.env['CI'] === 'true') throw new Error(`${files} are missing`);
      this.skip();
    }
    const [json = '', csv = ''] = files.map((file) => readFileSync(file, 'utf8'));
    const { factors } = JSON.parse(json) as { factors: readonly { code: string; old_code: string | null }[] };
    const typed = csv.split('\n').flatMap((line) => /^([wa]\d{5}|L\w+),(?:"[^"]*"|[^,]*),(\w*),/.exec(line)?.slice(1, 3) ?? []);
    const codes = new Set([...factors.flatMap(({ code, old_code: old }) => [code, old ?? '']), ...typed].filter((code) => code !== ''));
    expect(codes.size).to.be.above(250);
    for (const code of codes) {
      for (const kind of ['stack', 'ambient', 'outfall', 'noise'] as const)
        expect(factorOf(code, kind, null)?.quantity ?? factorName(code), `${code} of ${kind}`).to.be.a('string');
    }
  });
});

describe('public HJ 212 frames', () => {
  const folder = resolve('../shared');
  const file = `${folder}/reference/data/hj212-frames.json`;
  before(function () {
    if (existsSync(file)) return;
    if (process.env['CI'] === 'true') throw new Error(`${file} is missing`);
    this.skip();
  });

  it('are split, checked and read as their table says', () => {
    const rows = JSON.parse(readFileSync(file, 'utf8')).frames as readonly {
      id: string;
      frame: string;
      length_ok: boolean;
      crc_ok: boolean;
      crc_hj212: string;
      crc_modbus: string;
    }[];
    expect(rows).to.have.length(30);
    for (const row of rows) {
      const [frame, ...more] = split(row.frame);
      expect(more, row.id).to.have.length(0);
      if (frame === undefined) throw new Error(row.id);
      expect(frame.length === frame.segment.length, row.id).to.equal(row.length_ok);
      expect(crcText(crcOf(frame.segment)), row.id).to.equal(row.crc_hj212);
      expect(crcText(crcOf(frame.segment, 'modbus')), row.id).to.equal(row.crc_modbus);
      expect(frame.crc === crcOf(frame.segment), row.id).to.equal(row.crc_ok);
      const segment = parseSegment(textOf(frame));
      expect(segment.mn, row.id).to.be.a('string');
      const time = /DataTime=(\d{14})/.exec(row.frame)?.[1];
      if (time !== undefined) expect(wallTime(time), row.id).to.be.a('number');
    }
  });

  it('of the CSV with a wrong CRC are found out', () => {
    const lines = readFileSync(`${folder}/data/hj212_frames.csv`, 'utf8').match(/##[^"\n]*?&&[0-9A-Fa-f]{4}/g) ?? [];
    expect(lines.map((line) => split(`${line}\r\n`).map((frame) => frame.crc === crcOf(frame.segment))[0])).to.deep.equal([true, true, false, true]);
  });
});

describe('dates', () => {
  it('of HJ 212 are read, and what is none is not', () => {
    expect(wallTime('20260101080000123')).to.equal(Date.UTC(2026, 0, 1, 8, 0, 0, 123));
    for (const text of ['', '2026', '20260230000000', '20260101250000', null]) expect(wallTime(text)).to.equal(null);
  });
});
