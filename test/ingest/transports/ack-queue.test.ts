import { expect } from 'chai';
import { AckQueue } from '../../../ingest/transports/ack-queue.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));

function aQueue() {
  const writes: number[][] = [];
  const queue = new AckQueue((bytes) => {
    const ids: number[] = [];
    for (let at = 0; at < bytes.length; at += 4) {
      expect([bytes[at], bytes[at + 1]]).to.deep.equal([0x40, 2]);
      ids.push(bytes.readUInt16BE(at + 2));
    }
    writes.push(ids);
  });
  return { queue, writes };
}

describe('ingest/transports/ack-queue', () => {
  it('writes the acknowledgements of one commit in one piece', async () => {
    const { queue, writes } = aQueue();
    const places = [7, 8, 65535].map((id) => queue.hold(id));
    for (const place of places) queue.release(place);
    await tick();
    expect(writes).to.deep.equal([[7, 8, 65535]]);
  });

  it('keeps the order of arrival whatever is committed first', async () => {
    const { queue, writes } = aQueue();
    const [first = 0, second = 0, third = 0] = [1, 2, 3].map((id) => queue.hold(id));
    queue.release(third);
    queue.release(second);
    await tick();
    expect(writes).to.deep.equal([]);
    queue.release(first);
    await tick();
    expect(writes).to.deep.equal([[1, 2, 3]]);
  });

  it('keeps every id while it grows and goes round', async () => {
    const { queue, writes } = aQueue();
    const places: number[] = [];
    for (let id = 1; id <= 1000; id++) {
      places.push(queue.hold(id));
      if (id % 3 === 0) {
        queue.release(places.shift() ?? 0);
        await tick();
      }
    }
    for (const place of places) queue.release(place);
    await tick();
    expect(writes.flat()).to.deep.equal(Array.from({ length: 1000 }, (_, at) => at + 1));
    expect(queue.length).to.equal(0);
  });

  it('writes nothing once its connection has ended', async () => {
    const { queue, writes } = aQueue();
    const place = queue.hold(1);
    const flushing = queue.hold(2);
    queue.release(place);
    queue.close();
    queue.release(flushing);
    await tick();
    expect(writes).to.deep.equal([]);
  });
});
