import type { SparkplugStats } from '../sparkplug/stats.ts';
import type { BrokerStats } from './broker-limits.ts';
import type { Hj212Stats } from './hj212-limits.ts';

/** One sample; its labels are those of its figure, in their order. */
type Sample = readonly [labels: readonly string[], value: number];

/** A figure for Prometheus, read from the plain numbers of a transport. Every name stands in docs/operations.md. */
export interface TransportFigure<Stats> {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (stats: Stats) => readonly Sample[];
}

const plain = <Stats>(name: string, type: 'counter' | 'gauge', help: string, read: (stats: Stats) => number): TransportFigure<Stats> => ({
  ...{ name, type, help, labels: [] },
  read: (stats) => [[[], read(stats)]],
});
const counted = <Stats>(name: string, label: string, help: string, read: (stats: Stats) => Readonly<Record<string, number>>): TransportFigure<Stats> => ({
  ...{ name, type: 'counter', help, labels: [label] },
  read: (stats) => Object.entries(read(stats)).map(([value, count]) => [[value], count]),
});

export const BROKER_FIGURES: readonly TransportFigure<BrokerStats>[] = [
  plain('greenpark_broker_connections', 'gauge', 'Open connections to the embedded broker.', ({ connections }) => connections),
  counted('greenpark_broker_refused_total', 'what', 'What the embedded broker refused.', (stats) => ({
    connection: stats.connectionsRefused,
    'sign-in': stats.signInsRefused,
    publish: stats.publishesRefused,
    subscription: stats.subscriptionsRefused,
  })),
  counted('greenpark_broker_connections_ended_total', 'cause', 'Connections that the embedded broker lost or ended.', (stats) => ({
    broken: stats.brokenConnections,
    'packet-too-long': stats.packetsTooLong,
    'secret-revoked': stats.revoked,
  })),
  plain('greenpark_broker_slowed_total', 'counter', 'Times that the embedded broker made a gateway wait.', ({ slowed }) => slowed),
];

export const HJ212_FIGURES: readonly TransportFigure<Hj212Stats>[] = [
  plain('greenpark_hj212_connections', 'gauge', 'Open connections of HJ 212 loggers.', ({ connections }) => connections),
  plain('greenpark_hj212_connections_refused_total', 'counter', 'Connections beyond the limits.', ({ connectionsRefused }) => connectionsRefused),
  counted('greenpark_hj212_connections_ended_total', 'cause', 'Connections that the service ended.', (stats) => ({
    'time-out': stats.timeOuts,
    'no-frame': stats.overlong,
  })),
  plain('greenpark_hj212_frames_total', 'counter', 'Frames that came, faulty ones among them.', ({ frames }) => frames),
  plain('greenpark_hj212_answers_total', 'counter', 'Answers sent.', ({ answers }) => answers),
  {
    ...{ name: 'greenpark_hj212_faulty_frames_total', type: 'counter', labels: ['fault', 'result'] },
    help: 'Frames with a fault: refused, or taken all the same as the link of their gateway says.',
    read: (stats) => [
      [['crc', 'refused'], stats.wrongCrcRefused],
      [['crc', 'taken'], stats.wrongCrcTaken],
      [['length', 'refused'], stats.wrongLengthRefused],
      [['length', 'taken'], stats.wrongLengthTaken],
      [['number', 'refused'], stats.unknownDevice],
      [['password', 'refused'], stats.wrongPassword],
    ],
  },
  plain('greenpark_hj212_junk_bytes_total', 'counter', 'Bytes outside of any frame.', ({ junkBytes }) => junkBytes),
  plain('greenpark_hj212_incomplete_messages_total', 'counter', 'Split messages of which packets did not come.', ({ packetsMissing }) => packetsMissing),
  plain('greenpark_hj212_missing_values_total', 'counter', 'Values that loggers left out, with a flag that says why.', ({ missingValues }) => missingValues),
  plain('greenpark_hj212_slowed_total', 'counter', 'Times that a connection was held back because it sent too fast.', ({ slowed }) => slowed),
];

export const SPARKPLUG_FIGURES: readonly TransportFigure<SparkplugStats>[] = [
  counted('greenpark_sparkplug_messages_total', 'type', 'Messages of the namespace, by type.', ({ messages }) => messages),
  counted('greenpark_sparkplug_metrics_left_out_total', 'why', 'Metrics that are no new reading.', (stats) => ({
    null: stats.nulls,
    stale: stats.stale,
    'no-reading': stats.passedOver,
  })),
  plain('greenpark_sparkplug_historical_metrics_total', 'counter', 'Metrics that nodes delivered late as history.', ({ historical }) => historical),
  counted('greenpark_sparkplug_faults_total', 'fault', 'What does not follow from the messages before it.', (stats) => ({
    gap: stats.gaps,
    repeat: stats.repeats,
    'late-death': stats.lateDeaths,
    'without-birth': stats.withoutBirth,
    retained: stats.retained,
  })),
  plain('greenpark_sparkplug_messages_lost_total', 'counter', 'Messages that a node numbered and that never came.', ({ messagesLost }) => messagesLost),
  plain('greenpark_sparkplug_rebirths_asked_total', 'counter', 'New births that nodes were asked for.', ({ rebirthsAsked }) => rebirthsAsked),
];
