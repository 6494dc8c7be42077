import type { GatewayState } from '../../../model/ingest.ts';
import { ageText } from '../format.ts';
import { wordFor } from '../i18n/text.ts';
import type { GatewayJson } from '../rest.ts';
import type { Reader } from './reader.ts';

/** How much a state needs somebody, for colour and shape. */
type Weight = 'bad' | 'warn' | 'good' | 'none';
const WEIGHTS: Readonly<Record<GatewayState, Weight>> = { silent: 'bad', held: 'warn', refused: 'warn', offline: 'warn', ok: 'good', unused: 'none' };

/** One line of the list of gateways. A line below a cell is null where there is nothing to say. */
export interface GatewayRow {
  readonly key: string;
  readonly name: string;
  readonly id: string;
  readonly transport: string;
  readonly weight: Weight;
  readonly state: string;
  readonly connection: string | null;
  readonly seen: string;
  readonly seenAt: string | null;
  readonly rate: string;
  readonly refused: string;
  readonly refusedLately: string | null;
  readonly tolerated: string | null;
  readonly leftOut: string | null;
  readonly held: string;
  readonly heldLately: string | null;
}

/** `at`: the service's time of the answer. */
export function gatewayRow(gateway: GatewayJson, at: number, { text, format }: Pick<Reader, 'text' | 'format'>): GatewayRow {
  const count = (value: number) => format.number(value, 0);
  const lastSeen = gateway.lastSeen === null ? null : Date.parse(gateway.lastSeen);
  const { connected, silentAfterSeconds } = gateway;
  const due = gateway.state !== 'silent' || silentAfterSeconds === null ? null : text('gateways.due', { seconds: count(silentAfterSeconds) });
  return {
    key: gateway.gateway ?? '',
    name: gateway.name ?? (gateway.gateway === null ? text('gateways.others') : gateway.gateway),
    id: gateway.gateway ?? text('gateways.others.note'),
    transport: gateway.transport === null ? '–' : wordFor(text, 'ingest.transport', gateway.transport),
    weight: WEIGHTS[gateway.state],
    state: text(`gateways.state.${gateway.state}`),
    // The state says it already.
    connection: due ?? (connected === null || gateway.state === 'offline' ? null : text(connected ? 'gateways.connected' : 'gateways.state.offline')),
    seen: lastSeen === null ? text('gateways.never') : ageText(text, at - lastSeen),
    seenAt: lastSeen === null ? null : format.full(lastSeen),
    rate: format.number(gateway.messagesPerMinute, gateway.messagesPerMinute > 0 && gateway.messagesPerMinute < 10 ? 1 : 0),
    refused: count(gateway.refused),
    refusedLately: gateway.refusedLately === 0 ? null : text('gateways.within5', { count: count(gateway.refusedLately) }),
    tolerated: gateway.tolerated === 0 ? null : text('gateways.tolerated', { count: count(gateway.tolerated) }),
    leftOut: gateway.leftOut === 0 ? null : text('gateways.leftout', { count: count(gateway.leftOut) }),
    held: count(gateway.held),
    heldLately: gateway.heldLately === 0 ? null : text('gateways.within1', { count: count(gateway.heldLately) }),
  };
}
