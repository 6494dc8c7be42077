import { expect } from 'chai';
import { GatewayBook } from '../../../ingest/gateways/book.ts';
import type { IngestMessage } from '../../../ingest/port.ts';
import type { GatewayId } from '../../../model/ids.ts';
import { aMeter, aRig, NOW } from '../harness.ts';

const registered = (...ids: string[]) => ({ gateways: ids.map((id) => ({ id: id as GatewayId })) });

describe('the traffic of gateways', () => {
  const directory = { current: registered('g-1', 'g-2') };
  let book: GatewayBook;
  let take: (over?: Partial<IngestMessage> & { readonly text?: string; readonly meter?: string }) => Promise<void>;

  beforeEach(() => {
    directory.current = registered('g-1', 'g-2');
    book = new GatewayBook(directory);
    const { pipeline } = aRig({ gateways: book, meters: [aMeter(1), aMeter(2, { gateway: 'g-2' }), aMeter(3, { gateway: null })] });
    take = ({ text = `{"ts":${NOW},"values":{"active_power":5}}`, meter = 'm-1', ...over } = {}) =>
      new Promise((resolve, reject) => {
        const topic = `parks/p-1/meters/${meter}/readings`;
        const message = { topic, payload: Buffer.from(text), gateway: 'g-1', transport: 'embedded', receivedAt: NOW, ...over };
        pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
      });
  });

  it('counts messages, readings, bytes and what was refused, and notes when and how the last one came', async () => {
    const first = '{"active_power":5}';
    const second = `{"ts":${NOW + 1},"values":{"active_power":5,"nonsense":1,"voltage_a":"x"}}`;
    await take({ text: first });
    await take({ text: second, receivedAt: NOW + 5 });
    const { messages, readings, bytes, refused, lastSeen, transport } = book.of('g-1');
    expect({ messages, readings, bytes, refused, lastSeen, transport }).to.deep.equal({
      ...{ messages: 2, readings: 2, bytes: first.length + second.length, refused: 2, lastSeen: NOW + 5, transport: 'embedded' },
    });
    expect([book.of('g-2').messages, book.others.messages]).to.deep.equal([0, 0]);
  });

  it('puts down what another broker hands on to the gateway that the meter’s record names', async () => {
    await take({ meter: 'm-2', gateway: null, transport: 'mqtt' });
    await take({ meter: 'm-3', gateway: null, transport: 'mqtt' });
    await take({ meter: 'nobody', gateway: null, transport: 'mqtt' });
    expect([book.of('g-1').messages, book.of('g-2').messages, book.others.messages, book.others.refused]).to.deep.equal([0, 1, 2, 1]);
  });

  it('does not put down what a person pushes to the gateway of the meter', async () => {
    await take({ gateway: null, transport: 'http' });
    expect([book.of('g-1').messages, book.others.messages]).to.deep.equal([0, 1]);
  });

  it('counts a gateway that is not registered with all others, whatever it calls itself', async () => {
    for (let at = 0; at < 50; at++) await take({ gateway: `invented-${at}` });
    expect(book.others.messages).to.equal(50);
    expect([...book.registered].map(({ gateway }) => gateway)).to.deep.equal(['g-1', 'g-2']);
  });

  it('goes on counting when the registry changes, and forgets who is registered no more', async () => {
    await take();
    directory.current = registered('g-1', 'g-3');
    await take();
    await take({ gateway: 'g-2', meter: 'm-2' });
    expect([...book.registered].map(({ gateway, messages }) => [gateway, messages])).to.deep.equal([
      ['g-1', 2],
      ['g-3', 0],
    ]);
    expect(book.others.messages).to.equal(1);
  });

  it('is not moved by a dead letter that is tried again', async () => {
    await take({ replayed: true });
    expect([book.of('g-1').messages, book.of('g-1').lastSeen]).to.deep.equal([0, 0]);
  });

  describe('when somebody was seen', () => {
    const status = (text: string, over: Partial<IngestMessage> = {}) =>
      take({ topic: 'parks/p-1/meters/m-1/status', text, gateway: null, transport: 'mqtt', ...over });
    const seen = () => [book.of('g-1').lastSeen, book.of('g-1').isConnected];

    it('is told by readings and by its own word', async () => {
      expect(seen()).to.deep.equal([0, null]);
      await status('online');
      expect(seen()).to.deep.equal([NOW, true]);
    });

    it('is not told by its last will, which is the broker’s word', async () => {
      await status('online');
      await status('offline', { receivedAt: NOW + 90_000 });
      expect(seen()).to.deep.equal([NOW, false]);
      await take({ gateway: null, transport: 'mqtt', receivedAt: NOW + 100_000 });
      expect(seen()).to.deep.equal([NOW + 100_000, true]);
    });

    it('is not told by what the broker had kept, but its state is', async () => {
      await status('offline', { retained: true });
      await take({ gateway: null, transport: 'mqtt', retained: true });
      expect(seen()).to.deep.equal([0, false]);
    });

    it('is told by a connection of its own, whatever status topics say', async () => {
      const traffic = book.of('g-1');
      traffic.connect();
      traffic.connect();
      traffic.disconnect();
      await status('offline');
      expect(seen()).to.deep.equal([0, true]);
      traffic.disconnect();
      expect(seen()).to.deep.equal([0, false]);
    });
  });
});
