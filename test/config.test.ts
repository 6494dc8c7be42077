import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeConfig, ENVIRONMENT, readConfig } from '../config.ts';
import { GreenparkError } from '../model/errors.ts';

describe('configuration', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'greenpark-config-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const written = (text: string): Record<string, string> => {
    const file = join(folder, 'greenpark.yaml');
    writeFileSync(file, text);
    return { GREENPARK_CONFIG: file };
  };
  const faultsOf = (env: Record<string, string>): string[] => {
    try {
      readConfig(env);
    } catch (error) {
      if (error instanceof GreenparkError) return error.faults.map((fault) => `${fault.path}: ${fault.message}`);
      throw error;
    }
    return [];
  };

  it('is complete without a file: every key has its default', () => {
    const config = readConfig({});
    expect(config.http.port).to.equal(8080);
    expect(config.mqtt.port).to.equal(1883);
    expect(config.mqtt.url).to.equal(undefined);
    expect(config.demo).to.equal(false);
    expect(Object.isFrozen(config.http)).to.equal(true);
  });

  it('lets a variable win over the file', () => {
    expect(readConfig({ ...written('http: { port: 9000 }\n'), GREENPARK_HTTP_PORT: '0' }).http.port).to.equal(0);
  });

  it('leaves alone what only commands read, so that one who exported it for them can still use the others', () => {
    expect(faultsOf({ GREENPARK_TOKEN: 'x', GREENPARK_URL: 'http://localhost:8080' })).to.deep.equal([]);
  });

  const faulty = [
    { name: 'an unknown key', file: 'htpp: { port: 1 }\n', env: {}, expected: /unknown key "htpp"/ },
    { name: 'an unknown variable', file: '', env: { GREENPARK_PROT: '1' }, expected: /GREENPARK_PROT: is not a variable/ },
    { name: 'a number out of range', file: 'http: { port: 70000 }\n', env: {}, expected: /http.port: must be <= 65535/ },
    {
      name: 'a variable of the wrong kind, by its own name',
      file: '',
      env: { GREENPARK_HTTP_PORT: 'eighty' },
      expected: /GREENPARK_HTTP_PORT: must be integer/,
    },
    { name: 'a wrong choice, with the choices', file: 'logLevel: loud\n', env: {}, expected: /logLevel: must be one of fatal, error/ },
    { name: 'text that is not YAML, with line and column', file: 'http: { port: 1\n', env: {}, expected: /greenpark\.yaml:\d+:\d+/ },
    { name: 'a file that is not there', file: null, env: { GREENPARK_CONFIG: '/nowhere/greenpark.yaml' }, expected: /there is no file/ },
    { name: 'a password that is too short', file: '', env: { GREENPARK_ADMIN_PASSWORD: 'short' }, expected: /GREENPARK_ADMIN_PASSWORD: .*10/ },
  ];
  for (const { name, file, env, expected } of faulty) {
    it(`refuses ${name}`, () => expect(faultsOf({ ...(file === null ? {} : written(file)), ...env } as Record<string, string>).join('\n')).to.match(expected));
  }

  it('reports all faults together', () => {
    expect(faultsOf({ ...written('http: { port: -1 }\nmqtt: { clientId: "a b" }\n'), GREENPARK_DEMO: 'maybe' })).to.have.length(3);
  });

  it('takes a list of parks, and wants names of its own at the broker beside it', () => {
    expect(readConfig({ GREENPARK_INGEST_PARKS: 'north, south' }).ingest.parks).to.deep.equal(['north', 'south']);
    const shared = { ...written('ingest: { parks: [north] }\nsparkplug: { hostId: h }\n'), GREENPARK_MQTT_URL: 'mqtt://broker' };
    expect(faultsOf(shared).join('\n')).to.match(/mqtt.clientId: must be given.*\n.*sparkplug.clientId: must be given/);
    expect(faultsOf({ ...written('ingest: { parks: [north] }\n'), GREENPARK_MQTT_URL: 'mqtt://broker', GREENPARK_MQTT_CLIENT_ID: 'north' })).to.deep.equal([]);
    expect(faultsOf({ GREENPARK_INGEST_PARKS: 'north,so/uth' }).join()).to.match(/ingest.parks\.?\[?1|GREENPARK_INGEST_PARKS/);
  });

  it('never prints a secret', () => {
    const text = describeConfig(
      readConfig({ GREENPARK_ADMIN_PASSWORD: 'correct horse battery', GREENPARK_INFLUX_TOKEN: 'tok-123', GREENPARK_MQTT_PASSWORD: 'hush-hush' }),
    );
    expect(text).to.contain('adminPassword = ***').and.to.contain('influx.token = ***').and.to.contain('mqtt.password = ***');
    for (const secret of ['correct horse', 'tok-123', 'hush-hush']) expect(text).to.not.contain(secret);
  });

  it('is documented key by key and variable by variable, with nothing that does not exist', () => {
    const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| (?:`(GREENPARK_\w+)`|–) \| `([\w.]+)` \|/gm)].map(([, variable, key]) => ({ variable, key }));
    const keys = describeConfig(readConfig({}))
      .split('\n')
      .map((line) => line.split(' = ')[0]);
    expect(rows.map((row) => row.key)).to.have.members(keys);
    const documented = Object.fromEntries(rows.filter((row) => row.variable !== undefined).map((row) => [row.variable, row.key]));
    expect(documented).to.deep.equal(Object.fromEntries(Object.entries(ENVIRONMENT).map(([variable, path]) => [variable, path.join('.')])));
  });
});
