import { expect } from 'chai';
import { Fixture, NOON, OTHER_PARK, PAPER, PARK, STEEL } from './two-enterprise-park.ts';

describe('live state', () => {
  it('shows a park with every meter, alert and cap of its own and of its enterprises', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500], ['steel-e', 'active_power', 300], ['other-e', 'active_power', 9]);
    const state = park.live.snapshot(PARK, null);
    expect(state.meters.map((meter) => meter.id)).to.deep.equal(['grid', 'steel-e', 'paper-e', 'paper-water', 'air']);
    expect(state.meters[0]?.latest).to.deep.equal([['active_power', NOON, 500, 'good']]);
    expect(state.alerts.map((alert) => alert.id)).to.deep.equal(['a-steel', 'a-paper', 'a-park']);
    expect(state.figures.caps.map((cap) => cap.id)).to.deep.equal(['cap-steel', 'cap-paper', 'cap-park']);
    expect(state.figures.air?.aqi).to.equal(42);
  });

  it('shows an enterprise nothing but its own, not even the id of the meter above', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500], ['steel-e', 'active_power', 300], ['paper-e', 'active_power', 100]);
    const state = park.live.snapshot(PARK, STEEL);
    expect(state.meters.map((meter) => [meter.id, meter.parent])).to.deep.equal([['steel-e', null]]);
    expect(state.enterprises.map((each) => each.id)).to.deep.equal([STEEL]);
    expect(state.alerts.map((alert) => alert.id)).to.deep.equal(['a-steel']);
    expect(state.figures.caps.map((cap) => cap.id)).to.deep.equal(['cap-steel']);
    expect(state.figures.air).to.equal(null);
    expect(state.figures.power.consumption).to.equal(300);
    expect(JSON.stringify(state)).to.not.match(/grid|paper|cap-park|a-park/);
  });

  it('counts the power of sub-meters once, and lets them stand in for a silent or faulty parent', () => {
    const park = new Fixture();
    park.read(['grid', 'active_power', 500], ['steel-e', 'active_power', 300], ['paper-e', 'active_power', 100]);
    expect(park.live.figures(PARK, null, park.now).power).to.deep.equal({ consumption: 500, generation: null, battery: null });
    park.now += 60_000;
    park.read(['grid', 'active_power', 9999, park.now, 9]);
    expect(park.live.figures(PARK, null, park.now).power.consumption).to.equal(400);
    park.now += 300_000;
    expect(park.live.figures(PARK, null, park.now).power.consumption, 'all of them silent').to.equal(null);
  });

  it('merges a burst into the newest value of each series, numbered without holes', () => {
    const park = new Fixture();
    const room = park.live.join(PARK, null);
    for (let i = 0; i < 100; i++) park.read(['grid', 'active_power', i, NOON + i]);
    const first = park.live.take().get(room);
    expect(first).to.deep.equal({ seq: 1, at: NOON, readings: [['grid', 'active_power', NOON + 99, 99, 'good']], statuses: [] });
    expect(park.live.take().size, 'nothing new').to.equal(0);
    park.read(['grid', 'active_power', 1, NOON + 200]);
    expect(park.live.take().get(room)?.seq).to.equal(2);
    expect(park.live.snapshot(PARK, null)?.seq).to.equal(2);
  });

  it('sends each room its own readings only', () => {
    const park = new Fixture();
    const rooms = [park.live.join(PARK, null), park.live.join(PARK, STEEL), park.live.join(PARK, PAPER), park.live.join(OTHER_PARK, null)];
    park.read(['grid', 'active_power', 1], ['steel-e', 'active_power', 2], ['paper-water', 'water_flow', 3], ['other-e', 'active_power', 4]);
    const batches = park.live.take();
    expect(rooms.map((room) => batches.get(room)?.readings.map((reading) => reading[0]))).to.deep.equal([
      ['grid', 'steel-e', 'paper-water'],
      ['steel-e'],
      ['paper-water'],
      ['other-e'],
    ]);
  });

  it('tells each room what was said of its own meters, once, and whoever comes later in the snapshot', () => {
    const park = new Fixture();
    const rooms = [park.live.join(PARK, null), park.live.join(PARK, STEEL), park.live.join(PARK, PAPER)];
    for (const id of ['grid', 'steel-e', 'other-e']) park.say(id, false);
    park.say('steel-e', true, NOON + 1);
    const batches = park.live.take();
    expect(rooms.map((room) => batches.get(room))).to.deep.equal([
      {
        ...{ seq: 1, at: NOON, readings: [] },
        statuses: [
          ['grid', false, NOON],
          ['steel-e', true, NOON + 1],
        ],
      },
      { seq: 1, at: NOON, readings: [], statuses: [['steel-e', true, NOON + 1]] },
      undefined,
    ]);
    expect(park.live.take().size).to.equal(0);
    const told = park.live.snapshot(PARK, STEEL).meters.map(({ id, status }) => [id, status]);
    expect(told).to.deep.equal([['steel-e', { online: true, since: NOON + 1 }]]);
  });

  it('marks nothing while nobody watches, and forgets a room when the last one leaves', () => {
    const park = new Fixture();
    const room = park.live.join(PARK, STEEL);
    park.live.join(PARK, STEEL);
    park.live.leave(room);
    expect([...park.live.rooms()]).to.have.length(1);
    park.live.leave(room);
    expect([...park.live.rooms()]).to.have.length(0);
    park.read(['steel-e', 'active_power', 2]);
    park.live.join(PARK, STEEL);
    expect(park.live.take().size).to.equal(0);
  });

  it('keeps up with more series than it had room for at first', () => {
    const park = new Fixture();
    const room = park.live.join(PARK, null);
    for (let unknown = 10_000; unknown < 13_000; unknown++) park.latest.seriesOf(unknown, 5);
    park.read(['grid', 'active_power', 7]);
    expect(park.live.take().get(room)?.readings).to.have.length(1);
  });
});
