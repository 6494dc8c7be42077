import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import Database from 'libsql';
import type { GatewayId, MeterId, ParkId } from '../../../model/ids.ts';
import { hashGatewaySecret } from '../../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../../store/registry/open.ts';
import { openSqlite } from '../../../store/registry/sqlite.ts';
import { aDocument, BY, errorOf, PARK, TestRegistry } from './park.ts';

/** Undoes the newest migration as far as earlier ones speak of its table. */
const WITHOUT_LETTER_PAYLOADS = `
  drop table letter_payloads;
  delete from counters where name = 'dead-letter-bytes';
  alter table dead_letters drop column payload_id;
  alter table dead_letters drop column kept_length;
  alter table dead_letters drop column bytes_through;
  alter table dead_letters add column payload blob not null default x'';
`;

describe('registry: its file', () => {
  let files: TestRegistry;
  beforeEach(() => {
    files = new TestRegistry();
  });
  afterEach(() => files.clean());

  it('makes its folder, and keeps what it holds over a restart', async () => {
    const file = join(files.folder, 'deep', 'down', 'registry.db');
    const first = await openRegistry(file);
    await first.import(aDocument(), BY);
    const held = await first.export();
    first.close();
    const second = await openRegistry(file);
    expect(await second.export()).to.deep.equal(held);
    second.close();
    const raw = new Database(file);
    expect(raw.prepare('pragma journal_mode').all([])).to.deep.equal([{ journal_mode: 'wal' }]);
    raw.close();
  });

  it('refuses a file that a newer version has changed, and leaves it as it is', async () => {
    (await files.open()).close();
    const raw = new Database(files.file);
    raw.exec("insert into kysely_migration values ('9999-future', '2030-01-01')");
    raw.close();
    const error = await errorOf(openRegistry(files.file));
    expect(error.code).to.equal('STORE_REFUSED');
    expect(error.message).to.match(/newer version of Greenpark \(it has 9999-future\)/);
  });

  it('ends what an earlier version kept of gateways that are loggers no more: keys, and passwords that were chosen for them', async () => {
    const before = await files.open();
    await before.import(aDocument(), BY);
    const [former, plain, logger] = ['gw-1', 'gw-south', 'logger'] as GatewayId[] as [GatewayId, GatewayId, GatewayId];
    await before.gateways.put({ id: logger, park: PARK, name: 'Logger', link: { type: 'hj212', mn: 'MN1', meter: 'm-main' as MeterId } });
    for (const id of [former, logger]) await before.gateways.setKey(id, new Uint8Array([1]));
    const [chosen, generated] = [await hashGatewaySecret('123456', 'chosen'), await hashGatewaySecret('x'.repeat(43))];
    for (const id of [former, logger]) await before.gateways.setSecret(id, chosen);
    await before.gateways.setSecret(plain, generated);
    before.close();
    const raw = new Database(files.file);
    raw.exec("delete from kysely_migration where name >= '0009'; drop table former_meters; alter table dead_letters drop column retained");
    raw.exec(WITHOUT_LETTER_PAYLOADS);
    raw.close();
    const { gateways } = await files.open();
    const held = await Promise.all([former, plain, logger].map(async (id) => [await gateways.secretHash(id), (await gateways.key(id))?.length]));
    expect(held).to.deep.equal([
      [null, undefined],
      [generated, undefined],
      [chosen, 1],
    ]);
  });

  it('keeps the dead letters of an earlier version with their bytes, of one message together, and counts on', async () => {
    (await files.open()).close();
    const raw = new Database(files.file);
    raw.exec(`delete from kysely_migration where name >= '0012'; ${WITHOUT_LETTER_PAYLOADS}`);
    const insert = raw.prepare(
      "insert into dead_letters (id, received_at, transport, topic, reason, detail, payload, payload_length) values (?, ?, 'mqtt', 't', ?, '', ?, ?)",
    );
    const put = (id: number, at: number, reason: string, text: string, length = text.length) => insert.run([id, at, reason, Buffer.from(text), length]);
    for (const [id, at, reason, text, length] of [
      [4, 10, 'a', 'one', 3],
      [5, 10, 'b', 'one', 3],
      [6, 10, 'c', 'one', 3],
      [7, 10, 'a', 'two', 3],
      [8, 20, 'b', 'two', 9],
    ] as const)
      put(id, at, reason, text, length);
    raw.exec("insert into counters values ('dead-letter', 8)");
    raw.close();
    const { deadLetters } = await files.open();
    const told = async () =>
      (await deadLetters.list({ parks: 'all' }, { limit: 9, after: null, order: 'oldest' })).map(({ id, message, keptLength, payloadLength }) => [
        ...[id, message, keptLength, payloadLength],
      ]);
    expect(await told()).to.deep.equal([
      [4, 4, 3, 3],
      [5, 4, 3, 3],
      [6, 4, 3, 3],
      [7, 7, 3, 3],
      [8, 8, 3, 9],
    ]);
    const texts = [...(await deadLetters.payloads([4, 5, 6, 7, 8, 9]))].map(([id, bytes]) => [id, Buffer.from(bytes).toString()]);
    expect(texts).to.deep.equal([
      [4, 'one'],
      [5, 'one'],
      [6, 'one'],
      [7, 'two'],
      [8, 'two'],
    ]);
    const letter = { receivedAt: 30, transport: 'mqtt', topic: 't', gateway: null, isRetained: false, park: null, meter: null, reason: 'r', detail: '' };
    await deadLetters.add([{ ...letter, payload: Buffer.from('four'), payloadLength: 4 }], { letters: 100, bytes: 10 });
    expect(await told()).to.deep.equal([
      [7, 7, 3, 3],
      [8, 8, 3, 9],
      [9, 9, 4, 4],
    ]);
  });

  it('refuses a file that is no database', async () => {
    writeFileSync(files.file, 'not a database at all. '.repeat(500));
    expect((await errorOf(openRegistry(files.file))).code).to.equal('STORE_REFUSED');
  });

  it('says when the folder cannot be made or the file is a folder', async () => {
    writeFileSync(join(files.folder, 'plain'), '');
    expect((await errorOf(openRegistry(join(files.folder, 'plain', 'registry.db')))).code).to.equal('DATA_DIR_UNWRITABLE');
    mkdirSync(files.file);
    expect((await errorOf(openRegistry(files.file))).code).to.equal('DATA_DIR_UNWRITABLE');
  });

  it('waits for the disk at each commit and enforces references', () => {
    const connection = openSqlite(files.file);
    const settings = ['synchronous', 'foreign_keys', 'busy_timeout'].map((name) => connection.prepare(`pragma ${name}`).all([])[0]);
    expect(settings).to.deep.equal([{ synchronous: 2 }, { foreign_keys: 1 }, { timeout: 1 }]);
    connection.close();
  });

  it('refuses a parameter that would end the process inside the driver', () => {
    const connection = openSqlite(files.file);
    expect(() => connection.prepare('select ? as x').all([true])).to.throw(/a boolean cannot be stored/);
    expect(() => connection.prepare('select ? as x').all([undefined])).to.throw(/a undefined cannot be stored/);
    connection.close();
  });

  it('takes many changes begun at once, one after the other', async () => {
    const registry = await files.open();
    await registry.import(aDocument(), BY);
    const [cap] = aDocument().caps ?? [];
    if (cap === undefined) throw new Error('the document has a cap');
    const results = await Promise.all(Array.from({ length: 50 }, (_, n) => registry.caps.put({ ...cap, id: `c-${n % 25}x`, amount: n + 1 })));
    expect(results.filter((result) => result === 'created')).to.have.length(25);
    expect(await registry.caps.all()).to.have.length(26);
  });

  it('answers STORE_CLOSED after close, which may be called twice', async () => {
    const registry = await files.open();
    registry.close();
    registry.close();
    expect((await errorOf(registry.parks.list())).code).to.equal('STORE_CLOSED');
    expect((await errorOf(registry.users.delete('x'))).code).to.equal('STORE_CLOSED');
    expect(() => registry.version()).to.throw(/closed/);
  });

  it('tells its version anew for its own changes and for those of another process, not for what the service itself records', async () => {
    const [here, there] = [await files.open(), await files.open()];
    const versions = () => [here.version(), there.version()];
    const start = versions();
    expect(versions()).to.deep.equal(start);
    await there.import(aDocument(), BY);
    const afterImport = versions();
    expect(afterImport[0]).not.to.equal(start[0]);
    expect(afterImport[1]).not.to.equal(start[1]);
    await there.deadLetters.add(
      [
        {
          receivedAt: 0,
          transport: 'mqtt',
          topic: 't',
          gateway: null,
          isRetained: false,
          park: null,
          meter: null,
          reason: 'r',
          detail: '',
          payload: new Uint8Array(1),
          payloadLength: 1,
        },
      ],
      { letters: 5, bytes: 1000 },
    );
    await there.alerts.save([], [{ instance: 'i', state: '{}' }]);
    expect(there.version()).to.equal(afterImport[1]);
    const last = here.version();
    await there.users.put({ username: 'li', role: 'operator', scope: { kind: 'installation' }, passwordHash: 'h', createdAt: 0 });
    expect(here.version()).not.to.equal(last);
    expect(await here.users.count()).to.equal(1);
    expect(there.version(), 'people are no part of what is kept in memory').to.equal(afterImport[1]);
    await there.parks.put({ id: 'another' as ParkId, name: 'A', region: '510100', timeZone: 'UTC' });
    expect(there.version()).not.to.equal(afterImport[1]);
  });
});
