import { expect } from 'chai';
import { LiveModel } from '../../../dashboards/web/live/live-model.ts';
import { alertRow, byUrgency, fits, mayAcknowledge } from '../../../dashboards/web/views/alert-rows.ts';
import { meterRows, valueRows } from '../../../dashboards/web/views/meters.ts';
import { buildOverview } from '../../../dashboards/web/views/overview.ts';
import type { MeterId } from '../../../model/ids.ts';
import { aCap, anAlert, Fixture, NOON, PAPER, PARK, STEEL } from '../two-enterprise-park.ts';
import { readerFor } from './reader-for.ts';

/** What a client holds after it watched a room of the fixture's park. */
function watching(park: Fixture, enterprise: typeof STEEL | null = null): LiveModel {
  return new LiveModel(JSON.parse(JSON.stringify(park.live.snapshot(PARK, enterprise))));
}
const all = { kind: '', silentOnly: false, search: '' } as const;

describe('the live model of a client', () => {
  it('holds the newest value of each series, whatever the order of arrival', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 1]);
    const model = watching(park);
    const grid = 'grid' as MeterId;
    expect(model.readings({ seq: 1, at: NOON + 9, readings: [[grid, 'active_power', NOON + 5, 2, 'good']], statuses: [] })).to.equal(true);
    expect(model.readings({ seq: 2, at: NOON + 9, readings: [[grid, 'active_power', NOON + 3, 9, 'good']], statuses: [] })).to.equal(true);
    expect(model.meters.get('grid')?.values.get('active_power')?.[2]).to.equal(2);
    expect(model.meters.get('grid')?.newest).to.equal(NOON + 5);
  });

  it('knows what was said last of each meter', () => {
    const park = new Fixture();
    park.say('grid', true);
    const model = watching(park);
    expect([model.meters.get('grid')?.status, model.meters.get('air')?.status]).to.deep.equal([{ online: true, since: NOON }, null]);
    model.readings({ seq: 1, at: NOON + 9, readings: [], statuses: [['grid' as MeterId, false, NOON + 5]] });
    expect(model.meters.get('grid')?.status).to.deep.equal({ online: false, since: NOON + 5 });
  });

  it('notices a missing batch, and takes nothing from the one after it', () => {
    const model = watching(new Fixture());
    expect(model.readings({ seq: 2, at: NOON, readings: [['grid' as MeterId, 'active_power', NOON, 9, 'good']], statuses: [] })).to.equal(false);
    expect(model.meters.get('grid')?.values.size).to.equal(0);
  });

  it('does not grow with what it does not know or what is over', () => {
    const model = watching(new Fixture());
    for (let seq = 1; seq <= 500; seq++) {
      model.readings({ seq, at: NOON + seq, readings: [[`m-${seq}` as MeterId, 'active_power', NOON + seq, 1, 'good']], statuses: [] });
      model.alert({ kind: 'fired', at: NOON, alert: anAlert(`x-${seq}`, null) });
      model.alert({ kind: 'resolved', at: NOON, alert: anAlert(`x-${seq}`, null, { state: 'resolved' }) });
    }
    expect(model.meters.size).to.equal(5);
    expect(model.alerts.size).to.equal(3);
  });
});

describe('the overview', () => {
  it('shows what the park has and no panel for what it has not', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500], ['steel-e', 'active_power', 300], ['paper-e', 'active_power', 100]);
    const view = buildOverview(watching(park), readerFor('zh-CN', NOON));
    expect(view.title).to.equal('蓉欧园');
    expect(view.tiles.map((tile) => [tile.key, tile.value.text])).to.deep.equal([['consumption', '500']]);
    expect(view.energy).to.equal(null);
    expect(view.carbon).to.equal(null);
    expect(view.air?.items[0]?.mean).to.deep.equal({ text: '20', unit: 'µg/m³' });
    expect(view.enterprises.map((row) => [row.id, row.power.text, row.share, row.alerts])).to.deep.equal([
      ['steel', '300', 0.75, 1],
      ['paper', '100', 0.25, 1],
    ]);
  });

  it('names the enterprise in its own view and lists no enterprises there', () => {
    const view = buildOverview(watching(new Fixture(), STEEL), readerFor('en', NOON));
    expect(view.title).to.equal('Steel works');
    expect(view.enterprises).to.deep.equal([]);
  });

  it('counts meters as silent once their data is too old, with nothing new arriving', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500], ['steel-e', 'active_power', 300]);
    const model = watching(park);
    expect(buildOverview(model, readerFor('en', NOON)).meters.text).to.equal('3 of 5 meters do not report properly');
    const later = buildOverview(model, readerFor('en', NOON + 200_000));
    expect(later.meters.silent).to.equal(5);
    expect(later.enterprises.map((row) => row.power.text)).to.deep.equal(['–', '–']);
  });

  it('puts the fullest cap first and tells the stage reached, beyond the amount too', () => {
    const park = new Fixture();
    park.caps = [aCap('low', null, { used: 100, stages: [{ percent: 80, level: 'yellow', reached: false }] }), aCap('over', PAPER, { used: 1300 })];
    const [over, low] = buildOverview(watching(park), readerFor('en', NOON)).caps;
    expect([over?.id, over?.percent, over?.filled, over?.owner]).to.deep.equal(['over', '130.0%', 1, '纸厂']);
    expect([low?.id, low?.level, low?.status]).to.deep.equal(['low', null, 'below the first stage']);
  });
});

describe('alerts in a list', () => {
  it('stand by urgency: unseen first, then the worst level, then the newest', () => {
    const list = [
      anAlert('seen-red', null, { state: 'acknowledged', level: 'red' }),
      anAlert('blue', null, { level: 'blue' }),
      anAlert('red-old', null, { level: 'red', since: NOON - 1000 }),
      anAlert('red-new', null, { level: 'red' }),
    ];
    expect(list.sort(byUrgency).map((alert) => alert.id)).to.deep.equal(['red-new', 'red-old', 'blue', 'seen-red']);
  });

  it('tell the value when it fired, the newest reading and the worst so far apart', () => {
    const park = new Fixture();
    park.read(['paper-e', 'active_power', 90]);
    const model = watching(park);
    const alert = anAlert('a', PAPER, { meter: 'paper-e' as MeterId, quantity: 'active_power', value: 120, peak: 150 });
    const row = alertRow(alert, model, readerFor('en', NOON + 60_000));
    expect([row.value, row.bound, row.present, row.peak]).to.deep.equal([
      '120.0\u00a0kW when it fired',
      'limit 100.0\u00a0kW',
      'now 90.0\u00a0kW',
      'worst so far 150.0\u00a0kW',
    ]);
    expect(alertRow(alert, model, readerFor('zh-CN', NOON)).value).to.equal('触发时 120.0\u00a0kW');
    expect(alertRow(alert, model, readerFor('en', NOON + 600_000)).present, 'what is old is not now').to.equal('last reading 90.0\u00a0kW (10 min ago)');
    expect(alertRow({ ...alert, state: 'resolved' }, model, readerFor('en', NOON)).present, 'what is over').to.equal(null);
  });

  it('tell of a cap what it has used so far', () => {
    const alert = anAlert('c', null, { ruleType: 'cap', meter: null, stage: 80, value: 800, bound: 800, peak: 850, unit: 'm³' });
    const row = alertRow(alert, watching(new Fixture()), readerFor('en', NOON));
    expect([row.value, row.bound, row.present, row.peak]).to.deep.equal([
      '800.0\u00a0m³ when it fired',
      '80% stage reached · cap 1,000\u00a0m³',
      'now 850.0\u00a0m³',
      null,
    ]);
  });

  it('learn of a worse value with the figures', () => {
    const park = new Fixture();
    const model = watching(park);
    model.usage({
      ...model.figures,
      peaks: [
        ['a-park', 777],
        ['nobody', 1],
      ],
    });
    expect(model.alerts.get('a-park')?.peak).to.equal(777);
    expect(model.alerts.has('nobody')).to.equal(false);
  });

  it('carry the English name of their rule', () => {
    const alert = anAlert('a', null, { name: '超限', nameEn: 'Above the limit' });
    const names = (['zh-CN', 'en'] as const).map((language) => alertRow(alert, null, readerFor(language, NOON)).name);
    expect(names).to.deep.equal(['超限', 'Above the limit']);
  });

  it('say value, bound and unit, and until when somebody shelved them', () => {
    const alert = anAlert('a', PAPER, { shelvedUntil: NOON + 3_600_000, shelvedBy: 'li', shelvedReason: 'test run' });
    const model = watching(new Fixture());
    const row = alertRow(alert, model, readerFor('en', NOON + 60_000));
    expect([row.value, row.bound]).to.deep.equal(['120.0\u00a0kW when it fired', 'limit 100.0\u00a0kW']);
    expect(row.note).to.equal('shelved until 01 Jan, 13:00 · shelved by li: test run');
    expect(alertRow(alert, model, readerFor('en', NOON + 7_200_000)).note, 'the time is over').to.equal(null);
  });

  it('may be acknowledged by operator and committee alone', () => {
    expect((['operator', 'committee', 'auditor', 'enterprise'] as const).filter(mayAcknowledge)).to.deep.equal(['operator', 'committee']);
  });

  it('are filtered by state, level and enterprise', () => {
    const alert = anAlert('a', STEEL, { state: 'acknowledged', level: 'red' });
    expect(fits(alert, { state: 'open', level: 'all', enterprise: '' })).to.equal(true);
    expect(fits(alert, { state: 'firing', level: 'all', enterprise: '' })).to.equal(false);
    expect(fits(alert, { state: 'all', level: 'blue', enterprise: '' })).to.equal(false);
    expect(fits(alert, { state: 'all', level: 'red', enterprise: PAPER })).to.equal(false);
  });
});

describe('the list of meters', () => {
  it('puts the silent ones first and finds by name, id or owner', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500], ['paper-water', 'water_volume', 12, NOON - 400_000]);
    const model = watching(park);
    const rows = meterRows(model, all, readerFor('en', NOON));
    expect(rows.map((row) => [row.id, row.state])).to.deep.equal([
      ['paper-water', 'stale'],
      ['air', 'never'],
      ['steel-e', 'never'],
      ['paper-e', 'never'],
      ['grid', 'fresh'],
    ]);
    expect(meterRows(model, { ...all, search: '纸厂' }, readerFor('en', NOON)).map((row) => row.id)).to.deep.equal(['paper-water', 'paper-e']);
    expect(meterRows(model, { ...all, silentOnly: true }, readerFor('en', NOON))).to.have.length(4);
    expect(meterRows(model, { ...all, kind: 'water' }, readerFor('en', NOON)).map((row) => row.id)).to.deep.equal(['paper-water']);
  });

  it('says of one whose clock is ahead just that, and by how much', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500, NOON + 750_000]);
    const model = watching(park);
    const row = (language: 'zh-CN' | 'en') => meterRows(model, { ...all, search: 'grid' }, readerFor(language, NOON))[0];
    expect(row('en')).to.include({ state: 'ahead', stateName: 'clock wrong', age: '12 min ahead' });
    expect(row('zh-CN')).to.include({ stateName: '时钟不准', age: '超前 12 分钟' });
    const grid = model.meters.get('grid');
    expect(grid === undefined ? [] : valueRows(grid, readerFor('en', NOON)).map(({ state }) => state)).to.deep.equal(['ahead']);
  });

  it('says that one is gone as soon as that was said, until it measures again', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500]);
    park.say('grid', false, NOON + 1000);
    park.say('air', false, NOON - 60_000);
    const model = watching(park);
    const shown = (now: number) =>
      meterRows(model, all, readerFor('en', now)).flatMap(({ id, state, age }) => (id === 'grid' || id === 'air' ? [[id, state, age]] : []));
    expect(shown(NOON + 6000)).to.deep.equal([
      ['air', 'offline', '66 s ago'],
      ['grid', 'offline', '5 s ago'],
    ]);
    model.readings({ seq: 1, at: NOON + 6000, readings: [['grid' as MeterId, 'active_power', NOON + 6000, 1, 'good']], statuses: [] });
    expect(shown(NOON + 6000)[1]).to.deep.equal(['grid', 'fresh', 'just now']);
  });

  it('marks a value that may not be used', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500, NOON, 9]);
    expect(meterRows(watching(park), { ...all, search: 'grid' }, readerFor('en', NOON))[0]?.flagged).to.equal('fault');
  });
});
