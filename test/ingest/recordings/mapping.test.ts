import { expect } from 'chai';
import { parseMapping } from '../../../ingest/recordings/mapping.ts';
import { GreenparkError } from '../../../model/errors.ts';

const GOOD_TIME = 'time: { columns: t, format: iso, zone: UTC }';
const GOOD_COLUMNS = 'columns: { v: { quantity: pm2_5 } }';

const faultsOf = (text: string): string[] => {
  try {
    parseMapping(text, 'test');
  } catch (error) {
    if (error instanceof GreenparkError) return error.faults.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
};

const FAULTS: readonly [what: string, mapping: string, expected: readonly (string | RegExp)[]][] = [
  ['no time and no columns', '{ meter: m-1 }', [': key "time" is missing', ': key "columns" is missing']],
  ['an unknown key', `{ meter: m-1, ${GOOD_TIME}, ${GOOD_COLUMNS}, tz: UTC }`, [': unknown key "tz"']],
  [
    'a quantity that is not in the catalogue',
    `{ meter: m-1, ${GOOD_TIME}, columns: { v: { quantity: pm25 } } }`,
    [/^columns\.v\[0\]\.quantity: must be one of active_energy_import/],
  ],
  [
    'a unit that cannot be converted',
    `{ meter: m-1, ${GOOD_TIME}, columns: { v: { quantity: pm2_5, unit: kWh } } }`,
    [/^columns\.v\[0\]\.unit: "kWh" cannot be brought to µg\/m³; expected one of/],
  ],
  ['no meter', `{ ${GOOD_TIME}, ${GOOD_COLUMNS} }`, [/^columns\.v\[0\]\.meter: no meter/]],
  ['a meter beside a meter column', `{ meter: m-1, meterColumn: { column: s }, ${GOOD_TIME}, ${GOOD_COLUMNS} }`, [/^meter: stands beside "meterColumn"/]],
  [
    'two columns for one series',
    `{ meter: m-1, ${GOOD_TIME}, columns: { v: { quantity: pm2_5 }, w: { quantity: pm2_5 } } }`,
    ['columns.w[0]: gives pm2_5 of the same meter as column "v"'],
  ],
  ['a column used and ignored', `{ meter: m-1, ${GOOD_TIME}, ${GOOD_COLUMNS}, ignored: [v] }`, ['ignored[0]: column "v" is used under "columns"']],
  [
    'a sum of what is no counter',
    `{ meter: m-1, ${GOOD_TIME}, columns: { v: { quantity: pm2_5, accumulate: true } } }`,
    [/accumulate: pm2_5 is not a counter/, /accumulate: needs time.intervalSeconds/],
  ],
  ['neither columns nor a start', `{ meter: m-1, time: {}, ${GOOD_COLUMNS} }`, [/^time: needs either/]],
  ['columns and a start', `{ meter: m-1, time: { columns: t, start: '2020-01-01T00:00:00Z' }, ${GOOD_COLUMNS} }`, [/^time: needs either/]],
  ['no format', `{ meter: m-1, time: { columns: t }, ${GOOD_COLUMNS} }`, [/^time\.format: is needed/]],
  [
    'a token that does not exist',
    `{ meter: m-1, time: { columns: t, format: YY-MM-DD, zone: UTC }, ${GOOD_COLUMNS} }`,
    [/^time\.format: "YY" at 1 is not a token/],
  ],
  ['a format without a day', `{ meter: m-1, time: { columns: t, format: YYYY-MM, zone: UTC }, ${GOOD_COLUMNS} }`, [/^time\.format: there is no day/]],
  [
    'twelve hours without AM and PM',
    `{ meter: m-1, time: { columns: t, format: 'YYYY-MM-DD hh:mm', zone: UTC }, ${GOOD_COLUMNS} }`,
    [/^time\.format: h counts to twelve/],
  ],
  [
    'a bracket that is not closed',
    `{ meter: m-1, time: { columns: t, format: 'YYYY-MM-DD [at', zone: UTC }, ${GOOD_COLUMNS} }`,
    [/^time\.format: the bracket at 12 is not closed/],
  ],
  ['no zone where the text has none', `{ meter: m-1, time: { columns: t, format: YYYY-MM-DD }, ${GOOD_COLUMNS} }`, [/^time\.zone: is needed/]],
  [
    'a zone beside a format that carries one',
    `{ meter: m-1, time: { columns: t, format: epoch-seconds, zone: UTC }, ${GOOD_COLUMNS} }`,
    [/^time\.zone: the format epoch-seconds carries its own/],
  ],
  [
    'a zone that does not exist',
    `{ meter: m-1, time: { columns: t, format: iso, zone: Asia/Chengdu }, ${GOOD_COLUMNS} }`,
    [/^time\.zone: "Asia\/Chengdu" is not a zone/],
  ],
  [
    'a zone that is several',
    `{ meter: m-1, time: { columns: t, format: iso, zone: IST }, ${GOOD_COLUMNS} }`,
    [/^time\.zone: "IST" is not a zone; .*Asia\/Shanghai; a short name/],
  ],
  [
    'an offset that does not exist',
    `{ meter: m-1, time: { columns: t, format: iso, zone: '+99:00' }, ${GOOD_COLUMNS} }`,
    [/^time\.zone: "\+99:00" is not a zone/],
  ],
  [
    'a start without an offset and no step',
    `{ meter: m-1, time: { start: '2020-01-01T00:00:00' }, ${GOOD_COLUMNS} }`,
    [/^time\.start: "2020-01-01T00:00:00" is not a time with its offset/, /^time\.stepSeconds: is needed/],
  ],
  ['text that is not YAML', 'time: {', [/^line 1: /]],
];

describe('a mapping file', () => {
  for (const [what, text, expected] of FAULTS) {
    it(`is refused for ${what}`, () => {
      const faults = faultsOf(text);
      expect(faults, faults.join('\n')).to.have.length(expected.length);
      for (const [index, one] of expected.entries()) {
        if (typeof one === 'string') expect(faults[index]).to.equal(one);
        else expect(faults[index]).to.match(one);
      }
    });
  }

  it('may leave out all that has a default', () => {
    expect(faultsOf(`{ meter: m-1, ${GOOD_TIME}, ${GOOD_COLUMNS} }`)).to.deep.equal([]);
  });
});
