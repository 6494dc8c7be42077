import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { QUALITY } from '../../../model/quality.ts';
import { quantityOf } from '../../../model/quantities.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../../model/reading.ts';
import { InfluxConnection } from '../../../store/influx/connection.ts';
import { LineText } from '../../../store/influx/line-text.ts';
import { LineWriter, type MeterNames } from '../../../store/influx/lines.ts';
import { InfluxStore } from '../../../store/influx/store.ts';

/** Long names, so that a body does not fit into what the system keeps between two sockets. */
const names: MeterNames = { idOf: (ordinal) => `${'m'.repeat(300)}${ordinal}`, ordinalOf: () => undefined };
const { code } = quantityOf('active_power');

function aBlock(value: number): ReadingBlock {
  const block = new ReadingBlockBuilder();
  for (let at = 0; at < 40_000; at++) block.push(0, 1, code, at, value, QUALITY.good);
  return block.take();
}

function textOf(block: ReadingBlock): string {
  const text = new LineText();
  new LineWriter(names).writeLines(text, block);
  return String(text.bytes);
}

describe('a body that the server has not read when it refuses the write', () => {
  it('is still sent as it was, whatever is written meanwhile', async () => {
    let refusing = false;
    let refused: IncomingMessage | undefined;
    const read: Buffer[] = [];
    const server = createServer((request, response) => {
      if (!refusing) {
        request.resume().once('end', () => response.writeHead(204).end());
        return;
      }
      refusing = false;
      refused = request;
      request.on('data', (bytes: Buffer) => read.push(bytes));
      request.once('data', () => {
        request.pause();
        response.writeHead(503).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connection = new InfluxConnection({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, version: 1, bucket: 'park' });
    const store = new InfluxStore(connection, names);
    try {
      // From then on memory is as long as its text, and sent itself.
      for (let n = 0; n < 10; n++) await store.write(aBlock(0), 'fresh');
      refusing = true;
      const failed = await store.write(aBlock(1), 'fresh').then(
        () => 'stored',
        ({ code: why }: { code: string }) => why,
      );
      expect(failed).to.equal('STORE_UNREACHABLE');
      for (let n = 2; n < 5; n++) await store.write(aBlock(n), 'fresh');
      const end = once(refused as IncomingMessage, 'end');
      refused?.resume();
      await end;
      expect(String(Buffer.concat(read)).trimEnd() === textOf(aBlock(1)), 'the body is as it was').to.equal(true);
    } finally {
      connection.end();
      server.closeAllConnections();
      server.close();
    }
  });
});
