import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { GreenparkError } from '../../../model/errors.ts';
import { InfluxConnection } from '../../../store/influx/connection.ts';

/** Runs the work against a server that answers as told; answers the bodies that came. */
async function withServer(answer: (response: ServerResponse) => void, work: (connection: InfluxConnection) => Promise<void>): Promise<Buffer[]> {
  const bodies: Buffer[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    bodies.push(Buffer.concat(await request.toArray()));
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new InfluxConnection({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, version: 1, bucket: 'park' });
  try {
    await work(connection);
  } finally {
    connection.end();
    server.closeAllConnections();
    server.close();
  }
  return bodies;
}

async function refusalOf(writing: Promise<unknown>): Promise<GreenparkError> {
  const error = await writing.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  if (error instanceof GreenparkError) return error;
  throw new Error(`expected a GreenparkError, not ${String(error)}`);
}

const utf8 = (text: string): ArrayBuffer => new Uint8Array(Buffer.from(text)).buffer;

describe('a connection to InfluxDB', () => {
  it('sends the bytes as they are', async () => {
    const lines = 'readings,meter=一号 active_power=1 7';
    const bodies = await withServer(
      (response) => response.writeHead(204).end(),
      (connection) => connection.write(utf8(lines)),
    );
    expect(bodies.map(String)).to.deep.equal([lines]);
  });

  for (const [status, code] of [
    [400, 'STORE_REFUSED'],
    [413, 'STORE_REFUSED'],
    [422, 'STORE_REFUSED'],
    // Not InfluxDB: a proxy's own page.
    [200, 'STORE_UNREACHABLE'],
    [302, 'STORE_UNREACHABLE'],
    [401, 'STORE_UNREACHABLE'],
    [404, 'STORE_UNREACHABLE'],
    [503, 'STORE_UNREACHABLE'],
  ] as const) {
    it(`takes the answer ${status} for ${code}`, async () => {
      await withServer(
        (response) => response.writeHead(status).end('why'),
        async (connection) => {
          const { code: said, retryable } = await refusalOf(connection.write(utf8('readings')));
          expect([said, retryable]).to.deep.equal([code, code === 'STORE_UNREACHABLE']);
        },
      );
    });
  }

  for (const [said, code] of [
    ['database not found: park', 'STORE_UNREACHABLE'],
    ['max-concurrent-queries limit exceeded(1, 1)', 'STORE_UNREACHABLE'],
    ['query timeout reached', 'STORE_UNREACHABLE'],
    // A question for less may be answered.
    ['max-select-series limit exceeded: (2/1)', 'STORE_REFUSED'],
  ] as const) {
    for (const [where, answer] of [
      ['of one question', { results: [{ statement_id: 0 }, { statement_id: 1, error: said }] }],
      ['as a whole', { error: said }],
    ] as const) {
      it(`takes "${said}" for ${code}, ${where}`, async () => {
        await withServer(
          (response) => response.writeHead(200).end(JSON.stringify(answer)),
          async (connection) => {
            const { code: found, retryable, message } = await refusalOf(connection.query('SHOW DATABASES; SELECT 1'));
            expect([found, retryable]).to.deep.equal([code, code === 'STORE_UNREACHABLE']);
            expect(message).to.contain(said);
          },
        );
      });
    }
  }

  it('calls a server unreachable that ends the connection instead of answering', async () => {
    await withServer(
      (response) => response.socket?.destroy(),
      async (connection) => {
        expect((await refusalOf(connection.write(utf8('readings')))).code).to.equal('STORE_UNREACHABLE');
      },
    );
  });

  it('rejects what is under way when it is ended, and everything later', async () => {
    await withServer(
      () => {},
      async (connection) => {
        const writing = refusalOf(connection.write(utf8('readings')));
        setImmediate(() => connection.end());
        expect((await writing).code).to.equal('STORE_UNREACHABLE');
        expect((await refusalOf(connection.write(utf8('readings')))).code).to.equal('STORE_UNREACHABLE');
      },
    );
  });

  for (const [status, body, what] of [
    [200, '{"results":[]}', 'made'],
    [403, 'user "gp" is not authorized', 'left to be there'],
    // A proxy that tells of another server.
    [502, 'the server behind answered 403: no', 'STORE_UNREACHABLE'],
  ] as const) {
    it(`takes the database for ${what} where the server answers ${status}`, async () => {
      await withServer(
        (response) => response.writeHead(status).end(body),
        async (connection) => {
          const failure = await connection.createDatabase().then(
            () => null,
            (error: GreenparkError) => error.code,
          );
          expect(failure).to.equal(status === 502 ? 'STORE_UNREACHABLE' : null);
        },
      );
    });
  }
});
