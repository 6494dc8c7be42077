import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { GreenparkError } from '../../model/errors.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../model/reading.ts';
import { openInfluxStore } from '../../store/influx/open.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';

const meters = { idOf: (ordinal: number) => `m${ordinal}`, ordinalOf: (id: string) => Number(id.slice(1)) };
const POWER = 5;

function block(length: number, ts: number): ReadingBlock {
  const builder = new ReadingBlockBuilder(length);
  for (let i = 0; i < length; i++) builder.push(0, i, POWER, ts, i, 0);
  return builder.take();
}

async function refusal(work: Promise<unknown>): Promise<GreenparkError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GreenparkError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

describe('the InfluxDB store against a real server', function () {
  this.timeout(60_000);
  let server: Influx | undefined;
  before(async function () {
    server = await Influx.start(requireServer(this, 'influxd'));
  });
  after(() => server?.remove());
  const open = () => openInfluxStore({ url: server?.url ?? '', version: 1, bucket: 'park', meters });

  it('has lost nothing that was acknowledged when the server was killed right after, and says that it is away meanwhile', async () => {
    const store = await open();
    expect((await store.write(block(5000, 1000), 'fresh')).stored).to.equal(5000);
    await server?.kill();
    for (const work of [() => store.ping(), () => store.write(block(1, 2000), 'fresh'), () => store.write(block(1, 2000), 'late'), () => store.latest()]) {
      const error = await refusal(work());
      expect(error.code).to.equal('STORE_UNREACHABLE');
      expect(error.retryable).to.equal(true);
      expect(error.message).to.contain(server?.url ?? '');
    }
    await server?.restart();
    expect([...(await store.latest())].length).to.equal(5000);
    expect((await store.write(block(1, 2000), 'late')).stored).to.equal(1);
    await store.close();
  });

  it('calls a server that is not there unreachable when it opens', async () => {
    const error = await refusal(openInfluxStore({ url: 'http://127.0.0.1:1', version: 1, bucket: 'park', meters }));
    expect([error.code, error.retryable]).to.deep.equal(['STORE_UNREACHABLE', true]);
  });

  it('is not opened on a server that cuts its answers', async function () {
    const cutting = await Influx.start(requireServer(this, 'influxd'), { http: ['max-row-limit = 100'] });
    try {
      const error = await refusal(openInfluxStore({ url: cutting.url, version: 1, bucket: 'park', meters }));
      expect([error.code, error.retryable]).to.deep.equal(['STORE_REFUSED', false]);
      expect(error.message).to.equal(`InfluxDB at ${cutting.url} cuts its answers after 100 rows: set max-row-limit to 0 in its section [http]`);
    } finally {
      await cutting.remove();
    }
  });

  it('is opened by a user who may not ask for the configuration', async function () {
    const guarded = await Influx.start(requireServer(this, 'influxd'), { http: ['auth-enabled = true'] });
    try {
      const ask = (q: string, user = '') => fetch(`${guarded.url}/query?${new URLSearchParams({ q })}${user}`, { method: 'POST' });
      await ask("CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES");
      const root = '&u=root&p=r';
      for (const q of ['CREATE DATABASE park', "CREATE USER plain WITH PASSWORD 'p'", 'GRANT ALL ON park TO plain'])
        expect((await ask(q, root)).status).to.equal(200);
      const store = await openInfluxStore({ url: guarded.url, version: 1, bucket: 'park', username: 'plain', password: 'p', meters });
      expect((await store.write(block(1, 1000), 'fresh')).stored).to.equal(1);
      await store.close();
    } finally {
      await guarded.remove();
    }
  });

  it('says what the server refused, and that it always will', async () => {
    const store = await open();
    const error = await refusal(store.write(block(2, 8e15), 'fresh')); // InfluxDB's time ends in 2262
    expect([error.code, error.retryable]).to.deep.equal(['STORE_REFUSED', false]);
    expect(error.message).to.match(/400.*time/);
    await store.close();
  });

  it('tells a database that is gone as something that can be mended', async () => {
    const store = await open();
    await fetch(`${server?.url}/query`, { method: 'POST', body: new URLSearchParams({ q: 'DROP DATABASE park' }) });
    // The server answers the DROP before it refuses the next write: for a moment it takes writes that are gone with the database.
    const deadline = Date.now() + 10_000;
    const refused = async (): Promise<GreenparkError> => {
      for (let ts = 5000; Date.now() < deadline; ts++) {
        const error = await refusal(store.write(block(1, ts), 'fresh')).catch(() => null);
        if (error !== null) return error;
      }
      throw new Error('the server went on taking writes for 10 s after its database was dropped');
    };
    const ofLate = () => refusal(store.write(block(1, 4000), 'late'));
    for (const error of [await refused(), await ofLate()]) expect([error.code, error.retryable]).to.deep.equal(['STORE_UNREACHABLE', true]);
    await store.close();
    const mended = await open();
    expect((await mended.write(block(1, 4000), 'late')).stored).to.equal(1);
    await mended.close();
  });
});

// There is no InfluxDB 2 or 3 to run against here: what goes over the wire is compared with the vendor's documentation.
describe('the InfluxDB store for versions 2 and 3', () => {
  for (const [version, path] of [
    [2, '/api/v2/write?org=committee&bucket=park&precision=ms'],
    [3, '/api/v2/write?org=committee&bucket=park&precision=ms'],
  ] as const) {
    it(`writes version ${version} by the client's own path, with the token`, async () => {
      const seen: { url: string | undefined; authorization: string | undefined; body: string }[] = [];
      const server = createServer((request: IncomingMessage, response) => {
        let body = '';
        request.on('data', (data) => {
          body += String(data);
        });
        request.on('end', () => {
          seen.push({ url: request.url, authorization: request.headers.authorization, body });
          response.writeHead(request.url === '/health' ? 200 : 204).end();
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const store = await openInfluxStore({ url, version, org: 'committee', bucket: 'park', token: 'secret', meters });
      await store.write(block(2, 7), 'fresh');
      await store.close();
      server.close();
      server.closeAllConnections();
      expect(seen.map((request) => request.url)).to.deep.equal(['/health', path]);
      expect(seen[1]?.authorization).to.equal('Token secret');
      expect(seen[1]?.body).to.equal('readings,meter=m0 active_power=0 7\nreadings,meter=m1 active_power=1 7');
    });
  }
});
