import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Station } from '../../ingest/simulators/hj212-station.ts';
import { Caller } from './callers.ts';
import { GreenparkProcess } from './greenpark-process.ts';

const PASSWORD = 'a password for tests';
const MN = '88880000000001';

interface Logger {
  readonly kind: string;
  readonly meter: string;
  readonly suggestedId: string;
  readonly suggestedKind: string;
  readonly count: number;
  readonly payloadText: string;
  readonly suggested: readonly { readonly quantity: string | null }[];
}

describe('a data logger whose number no gateway has, at the HJ 212 port of a running service', function () {
  this.timeout(60_000);
  let folder: string;
  let service: GreenparkProcess;
  let operator: Caller;

  const start = async () => {
    service = await GreenparkProcess.start({ GREENPARK_DATA_DIR: folder, GREENPARK_ADMIN_PASSWORD: PASSWORD, GREENPARK_HJ212_PORT: '0' });
    operator = await Caller.signIn(service.url, 'admin', PASSWORD);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-loggers-'));
    await start();
    await operator.put('/api/v1/parks/north', { name: '北园', region: '510112' });
    // Another park's, for a gateway that decodes HJ 212 and publishes it: its topics read like those of the letters.
    await operator.put('/api/v1/parks/south', { name: '南园', region: '510112' });
    const mapping = { name: '宽', enabled: true, topics: ['hj212/{meter}'], meter: '$topic.meter', values: { active_power: 'power' } };
    expect((await operator.put('/api/v1/parks/south/mappings/wide', mapping)).status).to.equal(201);
  });
  after(async () => {
    await service?.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });

  /** Whether the message was answered. */
  async function report(
    minute: number,
    { pw = 'abc123', crc = 'standard' }: { readonly pw?: string; readonly crc?: 'standard' | 'modbus' } = {},
  ): Promise<boolean> {
    const station = await Station.connect({ host: '127.0.0.1', port: service.hj212Port, mn: MN, pw, crc, answerWithinMs: 500, tries: 1 });
    const at = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000 + minute * 60_000;
    const answered = await station.send({ cn: '2011', st: '31', at, groups: [`a21026-Rtd=${minute + 10},a21026-Flag=N`] });
    station.close();
    return answered;
  }
  const listed = async () => (await operator.items<Logger>('/api/v1/unknown-meters')).filter(({ kind }) => kind === 'logger');
  const body = { mn: MN, park: 'north', gateway: { id: 'logger-1', name: '一号数采仪' }, password: 'abc123' };
  const meter = { id: 'stack-1', enterprise: null, name: '一号排口', kind: 'stack', parent: null };

  it('is listed with what it measures, and without its password', async () => {
    for (const minute of [0, 1]) expect(await report(minute)).to.equal(false);
    await report(2, { pw: 'guess99' });
    await report(3, { crc: 'modbus' });
    const [logger, ...others] = await listed();
    expect(others).to.deep.equal([]);
    expect(logger).to.deep.include({ meter: MN, count: 4, suggestedKind: 'stack', suggestedId: MN });
    expect(logger?.suggested.map(({ quantity }) => quantity)).to.deep.equal(['stack_so2']);
    expect(logger?.payloadText).to.contain('PW=***').and.not.contain('abc123');
  });

  it('is listed again after a restart', async () => {
    await service.end('SIGTERM');
    await start();
    expect((await listed()).map(({ meter: mn, count }) => [mn, count])).to.deep.equal([[MN, 4]]);
  });

  it('is registered in one step with its meter, and what was kept is stored as far as it proves its own', async () => {
    const { status, body: answer } = await operator.post<{ readonly replay: object }>('/api/v1/unknown-loggers/register', { ...body, meter });
    expect(status, JSON.stringify(answer)).to.equal(201);
    expect(answer.replay).to.include({ letters: 4, messages: 4, accepted: 2, refused: 2 });
    expect(await listed()).to.deep.equal([]);
    const values = async () => (await operator.items<{ readonly value: number }>('/api/v1/meters/stack-1/series?quantity=stack_so2')).map(({ value }) => value);
    expect(await values()).to.deep.equal([10, 11]);
    expect(await report(4)).to.equal(true);
    expect(await values()).to.deep.equal([10, 11, 14]);
    const waiting = await operator.items<{ readonly reason: string }>('/api/v1/dead-letters?state=waiting');
    expect(waiting.map(({ reason }) => reason).sort()).to.deep.equal(['wrong-crc', 'wrong-password']);
  });

  it('is mended in its link, and the letter with the other CRC is stored then; the one with the wrong password keeps its reason', async () => {
    const link = { type: 'hj212', mn: MN, meter: 'stack-1', crcKind: 'modbus' };
    expect((await operator.put('/api/v1/parks/north/gateways/logger-1', { name: '一号数采仪', link })).status).to.equal(200);
    const replay = async () => (await operator.post<object>('/api/v1/dead-letters/replay', { filter: { transport: 'hj212' } })).body;
    expect(await replay()).to.include({ letters: 2, accepted: 1, refused: 1 });
    expect(await replay()).to.include({ letters: 1, accepted: 0, refused: 1 });
    const waiting = await operator.items<{ readonly reason: string; readonly detail: string }>('/api/v1/dead-letters?state=waiting');
    expect(waiting.map(({ reason }) => reason)).to.deep.equal(['wrong-crc']);
  });

  it('has the rights of its gateway alone also when its letters are tried again', async () => {
    const station = await Station.connect({ host: '127.0.0.1', port: service.hj212Port, mn: 'SECOND-1', pw: 'def456', answerWithinMs: 300, tries: 1 });
    await station.send({ cn: '2011', st: '31', at: Date.now(), groups: ['a21026-Rtd=99'] });
    station.close();
    // A meter of another gateway in the same park.
    const link = { type: 'hj212', mn: 'SECOND-1', meter: 'stack-1' };
    expect((await operator.put('/api/v1/parks/north/gateways/logger-2', { name: '二号数采仪', link })).status).to.equal(201);
    expect((await operator.put('/api/v1/parks/north/gateways/logger-2/secret', { secret: 'def456' })).status).to.equal(200);
    const { body: replay } = await operator.post<object>('/api/v1/dead-letters/replay', { filter: { topic: 'hj212/SECOND-1' } });
    expect(replay).to.include({ letters: 1, accepted: 0, refused: 1 });
    const [letter] = await operator.items<{ readonly reason: string }>('/api/v1/dead-letters?topic=hj212/SECOND-1');
    expect(letter?.reason).to.equal('gateway-not-allowed');
    expect((await operator.delete('/api/v1/parks/north/gateways/logger-2')).status).to.equal(204);
    expect((await operator.delete('/api/v1/unknown-loggers/SECOND-1')).status).to.equal(204);
  });

  it('is taken off the list until it reports again', async () => {
    expect((await operator.delete('/api/v1/parks/north/meters/stack-1')).status).to.equal(409);
    const other = await Station.connect({ host: '127.0.0.1', port: service.hj212Port, mn: 'OTHER-1', pw: 'x', answerWithinMs: 300, tries: 1 });
    await other.send({ cn: '2011', st: '32', at: Date.now(), groups: ['w01018-Rtd=20'] });
    other.close();
    expect((await listed()).map(({ meter: mn, suggestedKind }) => [mn, suggestedKind])).to.deep.equal([['OTHER-1', 'outfall']]);
    expect((await operator.delete('/api/v1/unknown-loggers/OTHER-1')).status).to.equal(204);
    expect(await listed()).to.deep.equal([]);
  });
});
