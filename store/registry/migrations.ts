import { type Kysely, type Migration, Migrator, sql } from 'kysely';
import { GreenparkError } from '../../model/errors.ts';
import { columnTypes, makeAppendOnly } from './sqlite.ts';
import type { Tables } from './tables.ts';

const { bytes, epochMs } = columnTypes;

/** In order of name. A migration that was released is never edited: what comes later is a new one. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-ground': { up: ground },
  '0002-gateway-link': { up: (db) => db.schema.alterTable('gateways').addColumn('link_json', 'text').execute() },
  '0003-dead-letters': { up: triedLetters },
  '0004-trade-en': { up: (db) => db.schema.alterTable('enterprises').addColumn('trade_en', 'text').execute() },
  '0005-checks': { up: (db) => db.schema.alterTable('meters').addColumn('checks_json', 'text').execute() },
  '0006-register-changes': { up: registerChanges },
  '0007-imports': { up: imports },
  '0008-gateway-key': { up: (db) => db.schema.alterTable('gateways').addColumn('cipher_key', bytes).execute() },
  '0009-former-loggers': { up: formerLoggers },
  '0010-former-meters': { up: formerMeters },
  '0011-retained-letters': {
    up: (db) =>
      db.schema
        .alterTable('dead_letters')
        .addColumn('retained', 'integer', (c) => c.notNull().defaultTo(0))
        .execute(),
  },
  '0012-letter-payloads': { up: letterPayloads },
};

/**
 * Brings the database to this version's tables, whole or not at all.
 * Throws STORE_REFUSED for a database that a newer version has already changed.
 */
export async function migrate(db: Kysely<Tables>, file: string): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (tables.some((table) => table.name === 'kysely_migration')) {
    const applied = await db.withTables<{ kysely_migration: { name: string } }>().selectFrom('kysely_migration').select('name').execute();
    const unknown = applied.map((row) => row.name).filter((name) => MIGRATIONS[name] === undefined);
    if (unknown.length > 0) {
      throw new GreenparkError(
        'STORE_REFUSED',
        `the registry ${file} was written by a newer version of Greenpark (it has ${unknown.join(', ')}); run that version or newer, or restore an older backup`,
      );
    }
  }
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** Keys of gateways that are no HJ 212 loggers, and passwords that were chosen for them when they were, are not to sign in elsewhere. */
async function formerLoggers(db: Kysely<unknown>): Promise<void> {
  const isNone = sql`coalesce(json_extract(link_json, '$.type'), '') <> 'hj212'`;
  await sql`UPDATE gateways SET cipher_key = NULL WHERE ${isNone}`.execute(db);
  // Only a chosen one is hashed in so many rounds (gateway-secret.ts).
  await sql`UPDATE gateways SET secret_hash = NULL WHERE secret_hash LIKE '$7$210000$%' AND ${isNone}`.execute(db);
}

/** Their readings stay, and are those of the meter that is registered under the id again. */
async function formerMeters({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('former_meters')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('park', 'text', (c) => c.notNull())
    .addColumn('ordinal', 'integer', (c) => c.notNull().unique())
    .execute();
}

/** What became of a letter that was tried again. */
async function triedLetters({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .alterTable('dead_letters')
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('dead_letters').addColumn('replayed_at', epochMs).execute();
  await schema.createIndex('dead_letters_by_time').on('dead_letters').columns(['received_at', 'id']).execute();
}

/** Of the letters of earlier versions, the bytes that are kept: those that the service keeps unless it is told otherwise. */
const MOST_EARLIER_BYTES = 256 << 20;

/**
 * Payloads get a table of their own, in which that of a message with several letters stands once, and are counted through in bytes. The
 * letters are written anew without them: to change each in its place would write all the bytes again every time.
 */
async function letterPayloads(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await sql`
    DELETE FROM dead_letters WHERE id <=
      (SELECT max(id) FROM (SELECT id, sum(length(payload)) OVER (ORDER BY id DESC) AS newer FROM dead_letters) WHERE newer > ${MOST_EARLIER_BYTES})`.execute(
    db,
  );
  await schema
    .createTable('letter_payloads')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('bytes', bytes, (c) => c.notNull())
    .execute();
  await schema
    .createTable('lean_letters')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('received_at', epochMs, (c) => c.notNull())
    .addColumn('transport', 'text', (c) => c.notNull())
    .addColumn('topic', 'text', (c) => c.notNull())
    .addColumn('retained', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('gateway', 'text')
    .addColumn('park', 'text')
    .addColumn('meter', 'text')
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('detail', 'text', (c) => c.notNull())
    .addColumn('payload_length', 'integer', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('replayed_at', epochMs)
    .addColumn('payload_id', 'integer', (c) => c.notNull())
    .addColumn('kept_length', 'integer', (c) => c.notNull())
    .addColumn('bytes_through', 'integer', (c) => c.notNull())
    .execute();
  await sql`
    INSERT INTO lean_letters
    SELECT id, received_at, transport, topic, retained, gateway, park, meter, reason, detail, payload_length, attempts, replayed_at, id, length(payload), 0
    FROM dead_letters ORDER BY id`.execute(db);
  const { rows: followers } = await sql<{ id: number }>`
    SELECT l.id FROM dead_letters l JOIN dead_letters b ON b.id = l.id - 1
    WHERE b.received_at = l.received_at AND b.transport = l.transport AND b.topic = l.topic AND b.gateway IS l.gateway
      AND b.payload_length = l.payload_length AND b.reason <> l.reason AND b.payload = l.payload
    ORDER BY l.id`.execute(db);
  for (const { id } of followers)
    await sql`UPDATE lean_letters SET payload_id = (SELECT b.payload_id FROM lean_letters b WHERE b.id = ${id - 1}) WHERE id = ${id}`.execute(db);
  await sql`
    INSERT INTO letter_payloads (id, bytes)
    SELECT l.id, d.payload FROM lean_letters l JOIN dead_letters d ON d.id = l.id WHERE l.payload_id = l.id ORDER BY l.id`.execute(db);
  await sql`
    UPDATE lean_letters SET bytes_through = sums.through
    FROM (SELECT id, sum(iif(payload_id = id, kept_length, 0)) OVER (ORDER BY id) AS through FROM lean_letters) AS sums
    WHERE sums.id = lean_letters.id`.execute(db);
  await sql`INSERT INTO counters (name, last) SELECT 'dead-letter-bytes', coalesce(max(bytes_through), 0) FROM lean_letters`.execute(db);
  await schema.dropTable('dead_letters').execute();
  await schema.alterTable('lean_letters').renameTo('dead_letters').execute();
  await schema.createIndex('dead_letters_of_park').on('dead_letters').columns(['park', 'id']).execute();
  await schema.createIndex('dead_letters_by_reason').on('dead_letters').columns(['reason', 'id']).execute();
  await schema.createIndex('dead_letters_by_time').on('dead_letters').columns(['received_at', 'id']).execute();
}

/** Outlives the meter that it speaks of, as its readings do: no foreign key. */
async function registerChanges(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('register_changes')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('meter', 'text', (c) => c.notNull())
    .addColumn('quantity', 'text', (c) => c.notNull())
    .addColumn('at', epochMs, (c) => c.notNull())
    .addColumn('move_json', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('noted_at', epochMs, (c) => c.notNull())
    .execute();
  await db.schema.createIndex('register_changes_of_meter').on('register_changes').columns(['meter', 'at']).execute();
  await makeAppendOnly(db, 'register_changes');
}

async function imports({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('imports')
    .addColumn('file', 'text', (c) => c.notNull())
    .addColumn('mapping', 'text', (c) => c.notNull())
    .addColumn('progress_json', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('imports_key', ['file', 'mapping'])
    .execute();
}

async function ground(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('parks')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('name_en', 'text')
    .addColumn('region', 'text', (c) => c.notNull())
    .addColumn('time_zone', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('enterprises')
    .addColumn('park', 'text', (c) => c.notNull().references('parks.id'))
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('name_en', 'text')
    .addColumn('trade', 'text', (c) => c.notNull())
    .addColumn('stage', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('enterprises_key', ['park', 'id'])
    .execute();
  await schema
    .createTable('gateways')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('park', 'text', (c) => c.notNull().references('parks.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('secret_hash', 'text')
    .execute();
  await schema.createIndex('gateways_of_park').on('gateways').columns(['park', 'id']).execute();
  await schema
    .createTable('meters')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('ordinal', 'integer', (c) => c.notNull().unique())
    .addColumn('park', 'text', (c) => c.notNull().references('parks.id'))
    .addColumn('enterprise', 'text')
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('name_en', 'text')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('parent', 'text')
    .addColumn('multiplier', 'double precision', (c) => c.notNull())
    .addColumn('gateway', 'text', (c) => c.references('gateways.id'))
    .addColumn('units_json', 'text')
    .addColumn('interval_seconds', 'integer', (c) => c.notNull())
    .addForeignKeyConstraint('meters_enterprise', ['park', 'enterprise'], 'enterprises', ['park', 'id'])
    // Checked at the commit: an import writes children and parents in any order.
    .addForeignKeyConstraint('meters_parent', ['parent'], 'meters', ['id'], (f) => f.deferrable().initiallyDeferred())
    .execute();
  await schema.createIndex('meters_of_park').on('meters').columns(['park', 'id']).execute();
  await schema.createIndex('meters_of_enterprise').on('meters').columns(['park', 'enterprise', 'id']).execute();
  await schema.createIndex('meters_of_parent').on('meters').column('parent').execute();
  await schema.createIndex('meters_of_gateway').on('meters').column('gateway').execute();
  await schema
    .createTable('documents')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('park', 'text', (c) => c.notNull().references('parks.id'))
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('body_json', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('documents_key', ['kind', 'park', 'id'])
    .execute();
  await people(db);
  await records(db);
}

async function people({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('users')
    .addColumn('username', 'text', (c) => c.primaryKey())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('scope_json', 'text', (c) => c.notNull())
    .addColumn('password_hash', 'text', (c) => c.notNull())
    .addColumn('created_at', epochMs, (c) => c.notNull())
    .execute();
  await schema
    .createTable('sessions')
    .addColumn('id_hash', 'text', (c) => c.primaryKey())
    .addColumn('username', 'text', (c) => c.notNull().references('users.username').onDelete('cascade'))
    .addColumn('created_at', epochMs, (c) => c.notNull())
    .addColumn('expires_at', epochMs, (c) => c.notNull())
    .execute();
  await schema.createIndex('sessions_of_user').on('sessions').column('username').execute();
  await schema.createIndex('sessions_by_end').on('sessions').column('expires_at').execute();
  await schema
    .createTable('tokens')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('scope_json', 'text', (c) => c.notNull())
    .addColumn('secret_hash', 'text', (c) => c.notNull().unique())
    .addColumn('created_at', epochMs, (c) => c.notNull())
    .addColumn('expires_at', epochMs)
    .execute();
}

async function records(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  // Alerts, dead letters and the audit trail outlive what they name: no foreign keys here.
  await schema
    .createTable('alerts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('park', 'text', (c) => c.notNull())
    .addColumn('enterprise', 'text')
    .addColumn('meter', 'text')
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('since', epochMs, (c) => c.notNull())
    .addColumn('until', epochMs)
    .addColumn('body_json', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('alerts_of_park').on('alerts').columns(['park', 'since', 'id']).execute();
  await schema.createIndex('alerts_by_state').on('alerts').columns(['state', 'since', 'id']).execute();
  await schema
    .createTable('rule_states')
    .addColumn('instance', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('dead_letters')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('received_at', epochMs, (c) => c.notNull())
    .addColumn('transport', 'text', (c) => c.notNull())
    .addColumn('topic', 'text', (c) => c.notNull())
    .addColumn('gateway', 'text')
    .addColumn('park', 'text')
    .addColumn('meter', 'text')
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('detail', 'text', (c) => c.notNull())
    .addColumn('payload', bytes, (c) => c.notNull())
    .addColumn('payload_length', 'integer', (c) => c.notNull())
    .execute();
  await schema.createIndex('dead_letters_of_park').on('dead_letters').columns(['park', 'id']).execute();
  await schema.createIndex('dead_letters_by_reason').on('dead_letters').columns(['reason', 'id']).execute();
  await schema
    .createTable('audit')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('at', epochMs, (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('park', 'text')
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text', (c) => c.notNull())
    .addColumn('before_json', 'text')
    .addColumn('after_json', 'text')
    .execute();
  await schema.createIndex('audit_of_park').on('audit').columns(['park', 'id']).execute();
  await makeAppendOnly(db, 'audit');
  await schema
    .createTable('counters')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('last', 'integer', (c) => c.notNull())
    .execute();
}
