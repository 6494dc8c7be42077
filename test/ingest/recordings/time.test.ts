import { expect } from 'chai';
import { read, timed } from './a-recording.ts';

const timesOf = async (time: string, ...cells: string[]): Promise<(string | undefined)[]> => {
  const { frames, rejections } = await read(`t,v\n${cells.map((cell, index) => `${cell},${index}\n`).join('')}`, timed(time));
  return cells.map((_, index) => {
    const frame = frames.find(({ values }) => values['pm2_5'] === index);
    return frame === undefined ? rejections.find(({ line }) => line === index + 2)?.reason : new Date(frame.ts).toISOString();
  });
};

const TIMES: readonly [what: string, time: string, cell: string, expected: string][] = [
  ['day first', '{ columns: t, format: DD/MM/YYYY HH:mm, zone: Asia/Seoul }', '05/02/2018 00:15', '2018-02-04T15:15:00.000Z'],
  ['numbers without leading zeroes', "{ columns: t, format: 'M/D/YYYY H:mm', zone: '-07:00' }", '1/2/2022 0:05', '2022-01-02T07:05:00.000Z'],
  ['twelve hours and PM', "{ columns: t, format: 'M/D/YYYY h:mm A', zone: UTC }", '1/2/2022 12:05 PM', '2022-01-02T12:05:00.000Z'],
  ['twelve hours, midnight', "{ columns: t, format: 'M/D/YYYY h:mm A', zone: UTC }", '1/2/2022 12:05 am', '2022-01-02T00:05:00.000Z'],
  ['text in brackets', "{ columns: t, format: 'YYYY[M]MM[D]DD', zone: UTC }", '2022M01D02', '2022-01-02T00:00:00.000Z'],
  ['Chinese text between the tokens', "{ columns: t, format: 'YYYY年M月D日 H时', zone: Asia/Shanghai }", '2022年1月2日 8时', '2022-01-02T00:00:00.000Z'],
  ['digits after the second', "{ columns: t, format: 'YYYYMMDD HHmmss.SSS', zone: UTC }", '20220102 030405.25', '2022-01-02T03:04:05.250Z'],
  ['an offset as a token', "{ columns: t, format: 'DD/MM/YYYY HH:mm Z' }", '02/01/2022 00:30 +0530', '2022-01-01T19:00:00.000Z'],
  ['ISO with a space and an offset', '{ columns: t, format: iso }', '2016-07-01 00:15:00-07:00', '2016-07-01T07:15:00.000Z'],
  ['ISO in UTC', '{ columns: t, format: iso }', '2016-07-01T00:15:00Z', '2016-07-01T00:15:00.000Z'],
  ['ISO without an offset in the zone named', '{ columns: t, format: iso, zone: Asia/Shanghai }', '2016-07-01T00:15', '2016-06-30T16:15:00.000Z'],
  ['ISO with an offset wins over the zone named', '{ columns: t, format: iso, zone: Asia/Shanghai }', '2016-07-01T00:15Z', '2016-07-01T00:15:00.000Z'],
  ['a day alone', '{ columns: t, format: iso, zone: Asia/Shanghai }', '2016-07-01', '2016-06-30T16:00:00.000Z'],
  ['seconds since 1970', '{ columns: t, format: epoch-seconds }', '1467331200.5', '2016-07-01T00:00:00.500Z'],
  ['milliseconds since 1970', '{ columns: t, format: epoch-milliseconds }', '1467331200500', '2016-07-01T00:00:00.500Z'],
  ['24:00 as the end of its day', '{ columns: t, format: YYYY-MM-DD HH:mm, zone: UTC }', '2016-12-31 24:00', '2017-01-01T00:00:00.000Z'],
  ['midnight that closes its day', '{ columns: t, format: YYYY-MM-DD HH:mm, zone: UTC, midnight: closes-day }', '2016-12-31 00:00', '2017-01-01T00:00:00.000Z'],
  [
    'no other time is moved by that',
    '{ columns: t, format: YYYY-MM-DD HH:mm, zone: UTC, midnight: closes-day }',
    '2016-12-31 00:15',
    '2016-12-31T00:15:00.000Z',
  ],
  ['a shift', '{ columns: t, format: iso, zone: UTC, shiftSeconds: 900 }', '2016-12-31 00:00', '2016-12-31T00:15:00.000Z'],
  ['a time before a change of clocks', '{ columns: t, format: iso, zone: Europe/Berlin }', '2024-03-31 01:59', '2024-03-31T00:59:00.000Z'],
  ['a time after a change of clocks', '{ columns: t, format: iso, zone: Europe/Berlin }', '2024-03-31 03:00', '2024-03-31T01:00:00.000Z'],
  ['an hour that the clocks left out', '{ columns: t, format: iso, zone: Europe/Berlin }', '2024-03-31 02:30', 'time-not-in-zone'],
  ['a day that no month has', '{ columns: t, format: iso, zone: UTC }', '2023-02-29', 'bad-time'],
  ['a leap day', '{ columns: t, format: iso, zone: UTC }', '2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['a thirteenth month', '{ columns: t, format: MM/DD/YYYY, zone: UTC }', '13/01/2022', 'bad-time'],
  ['a 25th hour', '{ columns: t, format: YYYY-MM-DD HH:mm, zone: UTC }', '2016-12-31 25:00', 'bad-time'],
  ['half an hour past 24', '{ columns: t, format: YYYY-MM-DD HH:mm, zone: UTC }', '2016-12-31 24:30', 'bad-time'],
  ['more text than the format', '{ columns: t, format: YYYY-MM-DD, zone: UTC }', '2016-12-31 00:00', 'bad-time'],
  ['an empty time', '{ columns: t, format: iso, zone: UTC }', '', 'bad-time'],
  ['an ISO time without offset and no zone to know it by', '{ columns: t, format: iso }', '2016-07-01T00:15', 'bad-time'],
  ['a time before 2000', '{ columns: t, format: iso, zone: UTC }', '1999-12-31', 'time-too-old'],
];

describe('time of a recorded row', () => {
  for (const [what, time, cell, expected] of TIMES) {
    it(`reads ${what}: ${cell} → ${expected}`, async () => {
      expect(await timesOf(time, cell)).to.deep.equal([expected]);
    });
  }

  it('joins several columns by a space', async () => {
    const { frames } = await read(
      'year,month,day,hour,v\n2013,3,1,7,4\n',
      timed('{ columns: [year, month, day, hour], format: YYYY M D H, zone: Asia/Shanghai }'),
    );
    expect(frames.map(({ ts }) => new Date(ts).toISOString())).to.deep.equal(['2013-02-28T23:00:00.000Z']);
  });

  it('tells the two hours apart that are shown twice when the clocks are set back', async () => {
    const cells = ['2024-10-27 01:30', '2024-10-27 02:00', '2024-10-27 02:30', '2024-10-27 02:00', '2024-10-27 02:30', '2024-10-27 03:00'];
    expect(await timesOf('{ columns: t, format: iso, zone: Europe/Berlin }', ...cells)).to.deep.equal(
      ['26T23:30', '27T00:00', '27T00:30', '27T01:00', '27T01:30', '27T02:00'].map((part) => `2024-10-${part}:00.000Z`),
    );
  });

  it('counts the rows where the file has no time, refused ones and broken lines included', async () => {
    const text = 'v\n1\nx\n2\n"3"4\n5\n';
    const { frames, rejections } = await read(text, timed("{ start: '2011-01-01T00:00:00+03:00', stepSeconds: 3600 }"));
    expect(frames.map(({ ts, values }) => [new Date(ts).toISOString(), values['pm2_5']])).to.deep.equal([
      ['2010-12-31T21:00:00.000Z', 1],
      ['2010-12-31T23:00:00.000Z', 2],
      ['2011-01-01T01:00:00.000Z', 5],
    ]);
    expect(rejections.map(({ line, reason }) => [line, reason])).to.have.deep.members([
      [3, 'not-a-number'],
      [5, 'bad-row'],
    ]);
  });

  it('refuses what is later than the newest time allowed', async () => {
    const { frames, rejections } = await read('t,v\n2020-01-01,1\n2020-01-02,2\n', timed('{ columns: t, format: iso, zone: UTC }'), {
      newest: Date.UTC(2020, 0, 1),
    });
    expect(frames).to.have.length(1);
    expect(rejections.map(({ line, column, reason }) => [line, column, reason])).to.deep.equal([[3, 't', 'time-in-future']]);
  });
});
