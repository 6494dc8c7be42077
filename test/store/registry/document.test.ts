import { expect } from 'chai';
import type { GatewayId, MeterId } from '../../../model/ids.ts';
import type { Gateway } from '../../../model/registry.ts';
import { formatRegistryDocument, parseRegistryDocument } from '../../../store/registry/document.ts';
import type { OpenRegistry } from '../../../store/registry/open.ts';
import { aDocument, BY, errorOf, PARK, TestRegistry } from './park.ts';

describe('registry: the document', () => {
  let files: TestRegistry;
  let registry: OpenRegistry;

  beforeEach(async () => {
    files = new TestRegistry();
    registry = await files.open();
  });
  afterEach(() => files.clean());

  it('imports in one go, counts, and finds nothing to do the second time', async () => {
    expect(await registry.import(aDocument(), BY)).to.deep.equal({ created: 14, replaced: 0, unchanged: 0 });
    const version = registry.version();
    expect(await registry.import(aDocument(), BY)).to.deep.equal({ created: 0, replaced: 0, unchanged: 14 });
    expect(registry.version()).to.equal(version);
  });

  it('exports what imports to the same elsewhere, without secrets', async () => {
    await registry.import(aDocument(), BY);
    await registry.gateways.setSecret('gw-1' as GatewayId, 'hush-hush');
    const text = formatRegistryDocument(await registry.export());
    expect(text).not.to.contain('hush');
    const elsewhere = new TestRegistry();
    try {
      const second = await elsewhere.open();
      await second.import(parseRegistryDocument(text), BY);
      expect(await second.export()).to.deep.equal(await registry.export());
      expect(await registry.import(parseRegistryDocument(JSON.stringify(await second.export())), BY)).to.include({ unchanged: 14 });
    } finally {
      elsewhere.clean();
    }
  });

  it('keeps ordinals and secrets of what it replaces, and writes who changed what', async () => {
    await registry.import(aDocument(), BY);
    await registry.gateways.setSecret('gw-1' as GatewayId, 'hash');
    const before = await registry.meters.get('m-steel' as MeterId);
    const document = parseRegistryDocument(
      formatRegistryDocument(await registry.export())
        .replace('钢厂表', '新表')
        .replace('Gateway 1', 'Gateway one'),
    );
    expect(await registry.import(document, { actor: 'wang', at: 7 })).to.deep.equal({ created: 0, replaced: 2, unchanged: 12 });
    expect(await registry.meters.get('m-steel' as MeterId)).to.deep.equal({ ...before, name: '新表' });
    expect(await registry.gateways.secretHash('gw-1' as GatewayId)).to.equal('hash');
    const entries = await registry.audit.list({ parks: [PARK], actor: 'wang' }, { limit: 10, after: null });
    expect(entries.map((entry) => `${entry.action} ${entry.subject} ${entry.subjectId}`)).to.deep.equal(['import meter m-steel', 'import gateway gw-1']);
    expect(entries[0]?.before).to.contain('钢厂表');
  });

  it('ends secret and key of a logger with its being one, as its password is short and no secret to whoever listens', async () => {
    await registry.import(aDocument(), BY);
    const id = 'gw-1' as GatewayId;
    const [logger, again] = ['Gateway 1', 'Gateway one'].map(
      (name) => ({ id, park: PARK, name, link: { type: 'hj212', mn: 'MN1', meter: 'm-main' } }) as Gateway,
    );
    const held = async () => [await registry.gateways.secretHash(id), await registry.gateways.signInHash(id), await registry.gateways.key(id)];
    const fill = async () => {
      await registry.gateways.setSecret(id, 'hash');
      await registry.gateways.setKey(id, new Uint8Array([1]));
    };
    await registry.gateways.put(logger as Gateway);
    await fill();
    expect(await held()).to.deep.equal(['hash', null, new Uint8Array([1])]);
    await registry.gateways.put(again as Gateway);
    expect(await held()).to.deep.equal(['hash', null, new Uint8Array([1])]);
    await registry.gateways.put({ id, park: PARK, name: 'Gateway 1', link: { type: 'mqtt' } });
    expect(await held()).to.deep.equal([null, null, null]);
    await registry.gateways.setSecret(id, 'of its own');
    expect((await held()).slice(0, 2)).to.deep.equal(['of its own', 'of its own']);
    await registry.gateways.put(logger as Gateway);
    await fill();
    await registry.import(aDocument(), BY);
    expect(await held()).to.deep.equal([null, null, null]);
  });

  it('turns a tree of meters upside down without calling it a circle', async () => {
    await registry.import(aDocument(), BY);
    const document = await registry.export();
    for (const meter of document.meters ?? []) {
      if (meter.id === 'm-main') meter.parent = 'm-steel' as MeterId;
      else if (meter.id === 'm-steel') meter.parent = null;
    }
    expect(await registry.import(document, BY)).to.include({ replaced: 2 });
  });

  it('tells all faults of shape together, each with its path', async () => {
    const text = 'parks: [{ id: "a b", name: A, region: "12" }]\nmeters: [{ id: m, park: p, name: M, kind: magic }]\nparrots: []';
    const error = await errorOf(Promise.resolve().then(() => parseRegistryDocument(text)));
    expect(error.code).to.equal('INPUT_INVALID');
    expect(error.faults.map((fault) => fault.path)).to.have.members(['', 'parks[0].id', 'parks[0].region', 'meters[0].kind']);
  });

  it('names the line of what is not YAML', async () => {
    const error = await errorOf(Promise.resolve().then(() => parseRegistryDocument('parks:\n  - { id: a')));
    expect(error.faults[0]?.path).to.match(/^line \d+$/);
  });

  it('tells all broken references together and imports nothing', async () => {
    const document = aDocument();
    const [main, steel, south] = document.meters ?? [];
    if (main === undefined || steel === undefined || south === undefined) throw new Error('the document has three meters');
    main.parent = steel.id;
    south.gateway = 'gw-1' as GatewayId;
    document.caps?.push(...(aDocument().caps ?? []));
    const error = await errorOf(registry.import(document, BY));
    expect(error.faults.map((fault) => fault.path)).to.have.members(['meters[0].parent', 'meters[1].parent', 'meters[2].gateway', 'caps[1].id']);
    expect(await registry.parks.list()).to.deep.equal([]);
  });

  it('refuses to take what was registered before away from what builds on it', async () => {
    await registry.import(aDocument(), BY);
    const applications = (aDocument().applications ?? []).map((application) => ({ ...application, declared: {} }));
    const error = await errorOf(registry.import({ applications }, BY));
    expect(error.message).to.match(/rule "r-entry" of park "north", registered before, would break/);
  });

  it('refuses a meter id that another park has', async () => {
    await registry.import(aDocument(), BY);
    const meters = (aDocument().meters ?? []).filter((meter) => meter.id === 'm-south').map((meter) => ({ ...meter, park: PARK }));
    expect((await errorOf(registry.import({ meters }, BY))).faults).to.deep.equal([
      { path: 'meters[0].id', message: 'meter "m-south" is already registered in another park' },
    ]);
  });
});
