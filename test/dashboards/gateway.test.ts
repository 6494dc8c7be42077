import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { io, type Socket } from 'socket.io-client';
import { LiveGateway } from '../../dashboards/gateway.ts';
import type { Principal } from '../../model/access.ts';
import type { AlertChange } from '../../model/alert.ts';
import type { ClientToServer, LiveFigures, ParkSnapshot, ServerToClient } from '../../model/live.ts';
import { anAlert, Fixture, OTHER_PARK, PAPER, PARK, PEOPLE, STEEL } from './two-enterprise-park.ts';

type Client = Socket<ServerToClient, ClientToServer>;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function until(what: string, met: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!met()) {
    if (Date.now() > deadline) throw new Error(`waited 5 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A client that keeps all it hears. */
class Viewer {
  readonly snapshots: ParkSnapshot[] = [];
  readonly batches: Parameters<ServerToClient['readings']>[0][] = [];
  readonly alerts: AlertChange[] = [];
  readonly usage: LiveFigures[] = [];
  readonly socket: Client;
  refused: string | null = null;

  constructor(socket: Client) {
    this.socket = socket;
    socket.on('snapshot', (state) => this.snapshots.push(state));
    socket.on('readings', (batch) => this.batches.push(batch));
    socket.on('alert', (change) => this.alerts.push(change));
    socket.on('usage', (figures) => this.usage.push(figures));
    socket.on('connect_error', (error) => {
      this.refused = (error as Error & { data?: { code?: string } }).data?.code ?? error.message;
    });
  }

  watch(park: string, enterprise?: string): Promise<string | null> {
    const what = enterprise === undefined ? { park } : { park, enterprise };
    return new Promise((resolve) => this.socket.emit('watch', what, (refused) => resolve(refused?.code ?? null)));
  }

  /** Every word that reached this client. */
  get heard(): string {
    return JSON.stringify([this.snapshots, this.batches, this.alerts, this.usage]);
  }
}

describe('live gateway', () => {
  let park: Fixture;
  let server: Server;
  let gateway: LiveGateway;
  let url: string;
  let people: Map<string, Principal>;
  const viewers: Viewer[] = [];

  beforeEach(async () => {
    park = new Fixture();
    people = new Map(Object.entries(PEOPLE));
    server = createServer();
    gateway = new LiveGateway({
      server,
      live: park.live,
      alerts: park.alerts,
      authenticate: async (cookie, authorization) => people.get(authorization?.replace('Bearer ', '') ?? cookie?.replace('session=', '') ?? '') ?? null,
      clock: () => park.now,
      logger: silent,
      timing: { readingsMs: 20, figuresMs: 40, recheckMs: 40, pingMs: 10_000 },
      backlog: { packets: 8, bytes: 1_000_000 },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
  });

  afterEach(async () => {
    for (const viewer of viewers.splice(0)) viewer.socket.disconnect();
    gateway.stop();
    gateway.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function come(options: { token?: string; cookie?: string; origin?: string; transports?: string[]; namespace?: string } = {}): Viewer {
    const viewer = new Viewer(
      io(new URL(options.namespace ?? '/live', url).href, {
        forceNew: true,
        reconnection: false,
        transports: options.transports ?? ['websocket'],
        auth: options.token === undefined ? {} : { token: options.token },
        extraHeaders: {
          ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
          ...(options.origin === undefined ? {} : { origin: options.origin }),
        },
      }),
    );
    viewers.push(viewer);
    return viewer;
  }

  async function enter(token: string): Promise<Viewer> {
    const viewer = come({ token });
    await until(`${token} to be let in`, () => viewer.socket.connected);
    return viewer;
  }

  describe('the door', () => {
    for (const [name, options] of [
      ['no credentials', {}],
      ['an unknown token', { token: 'forged' }],
      ['an unknown cookie', { cookie: 'session=forged' }],
      ["a good cookie brought by another site's page", { cookie: 'session=committee', origin: 'https://evil.example' }],
    ] as const) {
      it(`stays shut for ${name}`, async () => {
        const viewer = come(options);
        await until('the refusal', () => viewer.refused !== null);
        expect(viewer.refused).to.equal('UNAUTHENTICATED');
        expect(gateway.connections).to.equal(0);
      });
    }

    for (const [namespace, refusal] of [
      ['/', 'NOT_FOUND'],
      ['/other', 'Invalid namespace'],
    ] as const) {
      it(`stays shut in namespace ${namespace} for everybody`, async () => {
        const both = [come({ namespace }), come({ namespace, token: 'operator' })];
        await until('the refusals', () => both.every(({ refused }) => refused !== null));
        expect(both.map(({ refused, socket }) => [refused, socket.connected])).to.deep.equal(both.map(() => [refusal, false]));
      });
    }

    it('opens for a session cookie from the own page, by websocket and by polling', async () => {
      const own = new URL(url).origin;
      const two = [come({ cookie: 'session=committee', origin: own }), come({ cookie: 'session=committee', transports: ['polling'] })];
      await until('both to be let in', () => two.every((viewer) => viewer.socket.connected));
    });
  });

  describe('what may be watched', () => {
    const rooms = { park: [PARK], steel: [PARK, STEEL], paper: [PARK, PAPER], other: [OTHER_PARK] } as const;
    const may: Record<string, (keyof typeof rooms)[]> = {
      operator: ['park', 'steel', 'paper', 'other'],
      committee: ['park', 'steel', 'paper'],
      'other-committee': ['other'],
      'province-auditor': ['park', 'steel', 'paper'],
      'other-province-auditor': ['other'],
      steel: ['steel'],
      paper: ['paper'],
    };
    for (const [who, allowed] of Object.entries(may)) {
      it(`${who} may watch ${allowed.join(', ')} and nothing else`, async () => {
        const viewer = await enter(who);
        for (const [name, [id, enterprise]] of Object.entries(rooms) as [keyof typeof rooms, readonly [string, string?]][]) {
          const before = viewer.snapshots.length;
          const refused = await viewer.watch(id, enterprise);
          expect(refused, `${who} in ${name}`).to.equal(allowed.includes(name) ? null : 'FORBIDDEN');
          expect(viewer.snapshots.length - before, `snapshots for ${name}`).to.equal(refused === null ? 1 : 0);
        }
      });
    }

    it('answers the same for what is hidden and what does not exist', async () => {
      const viewer = await enter('steel');
      expect(await viewer.watch(PARK, 'nobody')).to.equal(await viewer.watch(PARK, PAPER));
      expect(await viewer.watch('nowhere')).to.equal(await viewer.watch(OTHER_PARK));
    });

    it('refuses malformed wishes and too many of them, and stays up', async () => {
      const viewer = await enter('committee');
      const send = (what: unknown) => new Promise<{ code: string } | null>((resolve) => viewer.socket.emit('watch', what as { park: string }, resolve));
      for (const what of [null, 7, 'park', {}, { park: 7 }, { park: PARK, enterprise: {} }]) expect((await send(what))?.code).to.equal('INPUT_INVALID');
      (viewer.socket as unknown as { emit(event: string): void }).emit('watch');
      const codes: (string | undefined)[] = [];
      for (let i = 0; i < 20; i++) codes.push((await send({ park: PARK }))?.code);
      expect(codes).to.include('RATE_LIMITED');
      park.now += 20_000;
      expect(await viewer.watch(PARK)).to.equal(null);
      for (let i = 0; i < 20; i++) await send({ park: PARK });
      expect(await viewer.watch(PARK)).to.equal('RATE_LIMITED');
      // A clock that is set back keeps nobody waiting for hours.
      park.now -= 7_200_000;
      expect(await viewer.watch(PARK)).to.equal(null);
    });
  });

  it('starts with a snapshot and goes on with numbered, merged changes', async () => {
    park.read(['grid', 'active_power', 1]);
    const viewer = await enter('committee');
    await viewer.watch(PARK);
    await until('the snapshot', () => viewer.snapshots.length === 1);
    for (let round = 1; round <= 3; round++) {
      park.now += 1000;
      for (let i = 0; i < 50; i++) park.read(['grid', 'active_power', round * 100 + i, park.now + i]);
      await until(`batch ${round}`, () => viewer.batches.length >= round);
    }
    const seq = viewer.snapshots[0]?.seq ?? -1;
    expect(viewer.batches.map((batch) => batch.seq)).to.deep.equal([seq + 1, seq + 2, seq + 3]);
    expect(viewer.batches.map((batch) => batch.readings.map((reading) => reading[3]))).to.deep.equal([[149], [249], [349]]);
  });

  it('tells an enterprise nothing of its neighbours or of the park, whatever happens there', async () => {
    const [steel, committee] = [await enter('steel'), await enter('committee')];
    await steel.watch(PARK, STEEL);
    await committee.watch(PARK);
    park.read(['grid', 'active_power', 1], ['paper-e', 'active_power', 2], ['paper-water', 'water_flow', 3], ['steel-e', 'active_power', 4]);
    park.change(anAlert('a-paper-2', PAPER));
    park.change(anAlert('a-park-2', null));
    park.change(anAlert('a-other-2', null, { park: OTHER_PARK }));
    park.change(anAlert('a-steel-2', STEEL));
    park.today = [{ carrier: 'electricity', flow: 'consumption', amount: 5, unit: 'kWh' }];
    await until('figures', () => steel.usage.length > 0 && committee.usage.length > 0);
    await until('readings and alerts', () => steel.batches.length > 0 && steel.alerts.length > 0 && committee.alerts.length === 3);
    expect(steel.alerts.map((change) => change.alert.id)).to.deep.equal(['a-steel-2']);
    expect(steel.heard).to.not.match(/paper|grid|a-park|cap-park|"air"\s*:\s*\{|yunnan/);
    expect(committee.alerts.map((change) => change.alert.id)).to.deep.equal(['a-paper-2', 'a-park-2', 'a-steel-2']);
  });

  it('hears nothing more of the room it left for another one', async () => {
    const viewer = await enter('committee');
    await viewer.watch(PARK);
    await viewer.watch(PARK, STEEL);
    park.read(['paper-e', 'active_power', 2], ['steel-e', 'active_power', 3]);
    await until('the batch', () => viewer.batches.length === 1);
    expect(viewer.batches[0]?.readings.map((reading) => reading[0])).to.deep.equal(['steel-e']);
    expect([...park.live.rooms()].map((room) => room.enterprise)).to.deep.equal([STEEL]);
  });

  it('sends figures again only when they changed', async () => {
    const viewer = await enter('committee');
    await viewer.watch(PARK);
    await until('first figures', () => viewer.usage.length === 1);
    park.now += 2000;
    // Three rounds of readings pass while the figures stay what they were.
    for (let i = 1; i <= 3; i++) {
      park.read(['paper-water', 'water_flow', i, park.now + i]);
      await until('a batch', () => viewer.batches.length >= i);
    }
    expect(viewer.usage).to.have.length(1);
    park.today = [{ carrier: 'electricity', flow: 'consumption', amount: 6, unit: 'kWh' }];
    await until('new figures', () => viewer.usage.length === 2);
  });

  it('ends a connection whose session was revoked, or whose scope no longer covers the room', async () => {
    const [revoked, moved, kept] = [await enter('committee'), await enter('province-auditor'), await enter('operator')];
    for (const viewer of [revoked, moved, kept]) expect(await viewer.watch(PARK)).to.equal(null);
    people.delete('committee');
    people.set('province-auditor', { name: 'a', role: 'auditor', scope: { kind: 'region', region: '53' } });
    await until('both to be sent away', () => !revoked.socket.connected && !moved.socket.connected);
    expect(kept.socket.connected).to.equal(true);
    await until('the rooms to be left', () => [...park.live.rooms()][0]?.watchers === 1);
  });

  it('drops a client that does not read, and the others notice nothing', async () => {
    const [slow, good] = [await enter('committee'), await enter('operator')];
    await slow.watch(PARK);
    await good.watch(PARK);
    const engine = slow.socket.io.engine as unknown as { transport: { ws: { _socket: { pause(): void } } } };
    engine.transport.ws._socket.pause();
    const big = anAlert('x'.repeat(400_000), null);
    await until('the drop', () => {
      park.change(big);
      return gateway.connections === 1;
    });
    const before = good.batches.length;
    park.read(['grid', 'active_power', 77]);
    await until('the other one to go on', () => good.batches.length > before);
    expect(good.socket.connected).to.equal(true);
  });

  it('starts a watched room again only when its own park changed, and closes those whose park is gone', async () => {
    const [viewer, other] = [await enter('committee'), await enter('other-committee')];
    await viewer.watch(PARK);
    await other.watch(OTHER_PARK);
    park.directory.current.parks = park.directory.current.parks.filter((each) => each.id === PARK);
    gateway.refresh();
    await until('the other to be closed', () => !other.socket.connected);
    expect(viewer.snapshots, 'nothing of its own changed').to.have.length(1);
    park.directory.current.parks = park.directory.current.parks.map((each) => ({ ...each, name: '新名' }));
    gateway.refresh();
    await until('a second snapshot', () => viewer.snapshots.length === 2);
    expect(viewer.snapshots[1]?.park.name).to.equal('新名');
  });
});
