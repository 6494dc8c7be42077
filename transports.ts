import { join } from 'node:path';
import type { Config } from './config.ts';
import type { Core, CoreOptions, Undo } from './core.ts';
import { plainAddress } from './ingest/transports/broker-address.ts';
import type { BrokerStats } from './ingest/transports/broker-limits.ts';
import { EmbeddedBroker } from './ingest/transports/embedded-broker.ts';
import { EmbeddedSparkplug } from './ingest/transports/embedded-sparkplug.ts';
import type { Hj212Stats } from './ingest/transports/hj212-limits.ts';
import { Hj212Server } from './ingest/transports/hj212-server.ts';
import { MqttIngest, nativeTopicsOf } from './ingest/transports/mqtt-client.ts';
import { SparkplugHost } from './ingest/transports/sparkplug-host.ts';
import { mayListen, mayReport } from './ingest/transports/sparkplug-rights.ts';
import { subscriptionsIn } from './ingest/transports/subscription-memory.ts';
import { readTls } from './ingest/transports/tls-files.ts';
import { GatewaySecrets } from './store/registry/gateway-secret.ts';

/** What lets readings in, once it runs. */
export interface Transports {
  /** The embedded broker's port; null with a broker that is not ours. */
  readonly mqttPort: number | null;
  /** Null where HJ 212 is off. */
  readonly hj212Port: number | null;
  /** One line for each, for whoever started the service. */
  readonly notes: readonly string[];
  /** Null while readings can be taken, else why not. */
  trouble(): string | null;
  /** How the connection to a broker that is not ours has fared; null with our own. */
  readonly connection: Pick<MqttIngest, 'connects' | 'sessionsLost'> | null;
  /** Of the embedded broker; null with one that is not ours. */
  readonly brokerStats: BrokerStats | null;
  /** Null where HJ 212 is off. */
  readonly hj212Stats: Hj212Stats | null;
}

/** Opens every way in that the configuration names; each pushes its undo, which drains it. */
export async function startTransports(config: Config, core: Core, options: CoreOptions, undo: Undo): Promise<Transports> {
  const mqtt = config.mqtt.url === undefined ? await startBroker(config, core, options, undo) : startClient(config, config.mqtt.url, core, options, undo);
  const hj212 = await startHj212(config, core, options, undo);
  const { connection, brokerStats } = mqtt;
  return {
    ...{ mqttPort: mqtt.port, hj212Port: hj212.port, notes: [...mqtt.notes, ...hj212.notes], trouble: mqtt.trouble },
    ...{ connection, brokerStats, hj212Stats: hj212.stats },
  };
}

interface MqttWay {
  readonly port: number | null;
  readonly notes: readonly string[];
  trouble(): string | null;
  readonly connection: Pick<MqttIngest, 'connects' | 'sessionsLost'> | null;
  readonly brokerStats: BrokerStats | null;
}

async function startBroker(config: Config, core: Core, { clock, logger }: CoreOptions, undo: Undo): Promise<MqttWay> {
  const secrets = new GatewaySecrets();
  const { host, port, maxPacketBytes, maxConnections, messagesPerSecond, bytesPerSecond } = config.mqtt;
  const { hostId } = config.sparkplug;
  const tls = readTls(config.mqtt.tls, 'mqtt.tls', clock(), logger);
  const gatewayOf = (id: string) => core.directory.current.gateway(id);
  const credential = async (id: string) => {
    const gateway = gatewayOf(id);
    return gateway === undefined ? null : core.registry.gateways.signInHash(gateway.id);
  };
  let sparkplug: EmbeddedSparkplug | null = null;
  const broker = await EmbeddedBroker.start({
    host,
    port,
    pipeline: core.pipeline,
    maxPacketBytes,
    limits: { connections: maxConnections, messagesPerSecond, bytesPerSecond },
    authenticateGateway: async (id, secret) => {
      const hash = await credential(id);
      return hash !== null && (await secrets.verify(hash, secret));
    },
    credential,
    mayPublish: (id, topic) => mayReport(gatewayOf(id)?.link, topic),
    maySubscribe: (id, filter) => mayListen(gatewayOf(id)?.link, hostId, filter),
    onTopic: (topic) => sparkplug?.handlerOf(topic) ?? null,
    trafficOf: (gateway) => core.gateways.of(gateway),
    crowding: () => core.pipeline.stats.pendingReadings / config.ingest.maxPendingReadings,
    ...(tls.cert === undefined ? {} : { tls }),
    clock,
    logger,
  });
  undo.push(() => broker.stop());
  if (hostId !== undefined) {
    const embedded = await EmbeddedSparkplug.start({
      hostId,
      broker,
      sessions: core.sparkplug,
      pipeline: core.pipeline,
      stages: core.pipeline.stages,
      clock,
      logger,
    });
    sparkplug = embedded;
    undo.push(() => embedded.stop());
  }
  // What the listener answers is waited for, and tried again when it fails.
  undo.push(core.directory.onChange(() => broker.recheck()));
  return {
    port: broker.address.port,
    notes: [`Gateways publish to ${tls.cert === undefined ? 'mqtt' : 'mqtts'}://localhost:${broker.address.port}`],
    trouble: () => null,
    connection: null,
    brokerStats: broker.stats,
  };
}

function startClient(config: Config, url: string, core: Core, { clock, logger }: CoreOptions, undo: Undo): MqttWay {
  const { username, password, clientId, protocolVersion, maxPacketBytes } = config.mqtt;
  const { hostId, clientId: hostClientId } = config.sparkplug;
  const tls = readTls(config.mqtt.tls, 'mqtt.tls', clock(), logger);
  const shared = { url, username, password, protocolVersion, tls, clock, logger };
  const topicsNow = () => [...nativeTopicsOf(config.ingest.parks), ...core.mappings.topics];
  const client = new MqttIngest({
    ...shared,
    clientId,
    topics: topicsNow(),
    memory: subscriptionsIn(join(config.dataDir, 'mqtt-subscriptions.json')),
    pipeline: core.pipeline,
  });
  undo.push(() => client.stop());
  core.onMappedTopics = () => client.setTopics(topicsNow());
  const host =
    hostId === undefined
      ? null
      : new SparkplugHost({
          ...shared,
          hostId,
          clientId: hostClientId,
          maxPacketBytes,
          pipeline: core.pipeline,
          stages: core.pipeline.stages,
          onStatus: core.tellStatus,
          directory: core.directory,
          sessions: core.sparkplug,
        });
  if (host !== null) undo.push(() => host.stop());
  return {
    port: null,
    notes: [`Readings come from the broker ${plainAddress(url)}`],
    connection: client,
    brokerStats: null,
    trouble: () => {
      if (client.state.state !== 'online') return `the broker is ${client.state.state}`;
      return host === null || host.state.state === 'online' ? null : `the broker is ${host.state.state} for Sparkplug`;
    },
  };
}

async function startHj212(
  config: Config,
  core: Core,
  { clock, logger }: CoreOptions,
  undo: Undo,
): Promise<{ port: number | null; notes: string[]; stats: Hj212Stats | null }> {
  const { port, host, maxConnections, idleSeconds, tls: files } = config.hj212;
  if (port === undefined) return { port: null, notes: [], stats: null };
  const { cert, key, ca } = readTls(files, 'hj212.tls', clock(), logger);
  const server = await Hj212Server.start({
    port,
    host,
    intake: core.pipeline,
    trafficOf: (gateway) => core.gateways.of(gateway),
    stages: core.pipeline.stages,
    directory: core.directory,
    ...core.gatewaySecrets,
    limits: { maxConnections, idleMs: idleSeconds * 1000 },
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key, ...(ca === undefined ? {} : { ca }) } }),
    clock,
    logger,
  });
  undo.push(() => server.stop());
  const { stats, address } = server;
  return { port: address.port, notes: [`HJ 212 data loggers report to port ${address.port}${cert === undefined ? '' : ' over TLS'}`], stats };
}
