import type { GatewayId } from '../../model/ids.ts';
import type { MessageState } from '../message-state.ts';
import type { IngestMessage } from '../port.ts';
import type { NodeState } from '../sparkplug/sessions.ts';
import { GatewayTraffic } from './traffic.ts';

/** What is needed of the registry's in-memory view. A new object stands for a changed registry. */
interface RegisteredGateways {
  readonly gateways: Iterable<{ readonly id: GatewayId }>;
}

/** The traffic of every registered gateway, and of all others together: nobody adds to it by inventing names. */
export class GatewayBook {
  readonly others = new GatewayTraffic(null);
  readonly #source: { readonly current: RegisteredGateways };
  readonly #nodes: () => readonly Pick<NodeState, 'gateway' | 'online'>[];
  #directory: RegisteredGateways | null = null;
  #traffic = new Map<string, GatewayTraffic>();

  /** `nodes` are Sparkplug's, which tell of their births and deaths. */
  constructor(source: { readonly current: RegisteredGateways }, nodes: () => readonly Pick<NodeState, 'gateway' | 'online'>[] = () => []) {
    this.#source = source;
    this.#nodes = nodes;
  }

  /** `others` for whoever is not registered. */
  of(gateway: string | null): GatewayTraffic {
    this.#follow();
    return gateway === null ? this.others : (this.#traffic.get(gateway) ?? this.others);
  }

  /** In order of registration. */
  get registered(): Iterable<GatewayTraffic> {
    this.#follow();
    return this.#traffic.values();
  }

  /** Tells of each whether it is connected; null where nobody knows. */
  connections(): (traffic: GatewayTraffic) => boolean | null {
    const online = new Map(this.#nodes().map((node) => [node.gateway, node.online]));
    return ({ gateway, isConnected }) => isConnected ?? (gateway === null ? null : (online.get(gateway) ?? null));
  }

  /** A message was taken; called once for each, when it is known what was found in it. */
  count(message: IngestMessage, state: MessageState): void {
    // A dead letter that is tried again says nothing of its gateway now.
    if (message.replayed === true) return;
    // Another broker hides who sent: it is put down to the gateway that the meter's record names.
    const isHidden = message.transport === 'mqtt';
    const traffic = this.of(isHidden ? state.gateway : message.gateway);
    traffic.messages++;
    traffic.bytes += message.payload.length;
    traffic.readings += state.fresh + state.late;
    if (state.isLeftOut) traffic.leftOut++;
    traffic.transport = message.transport;
    if (state.refusals.size > 0) for (const { count } of state.refusals.values()) traffic.refused += count;
    // That somebody is gone is the broker's word, and what a broker had kept is of another time.
    if (state.online !== false && message.retained !== true) traffic.lastSeen = message.receivedAt;
    if (!isHidden) return;
    if (state.online !== null) traffic.said = state.online;
    else if (traffic.said === false && message.retained !== true) traffic.said = true;
  }

  #follow(): void {
    const { current } = this.#source;
    if (current === this.#directory) return;
    this.#directory = current;
    const before = this.#traffic;
    this.#traffic = new Map();
    for (const { id } of current.gateways) this.#traffic.set(id, before.get(id) ?? new GatewayTraffic(id));
  }
}
