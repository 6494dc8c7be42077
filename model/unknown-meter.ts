import type { EpochMs, GatewayId, MeterId } from './ids.ts';
import type { MeterKind } from './meter-kinds.ts';
import type { QuantityName } from './quantities.ts';

interface Seen {
  /** The park that its topic names, its mapping's or its gateway's; null where none is known. */
  readonly park: string | null;
  readonly firstSeen: EpochMs;
  readonly lastSeen: EpochMs;
  /** Messages seen, those that were kept before the last start included. */
  readonly count: number;
  readonly topics: readonly string[];
  readonly transport: string;
  readonly gateway: string | null;
  /** The last message, at most 4 KiB of it. */
  readonly payload: Uint8Array;
  readonly payloadLength: number;
  /** Names in its values, with the quantity of the catalogue that is probably meant; null where nothing comes near. */
  readonly suggested: readonly { readonly name: string; readonly quantity: QuantityName | null }[];
  readonly suggestedKind: MeterKind | null;
}

/** What reports and is not registered, as people are shown it. */
export type UnknownMeter = Seen &
  (
    | {
        readonly kind: 'meter';
        /** The id under which it reports and can be registered. */
        readonly meter: string;
      }
    | {
        readonly kind: 'device';
        /** Its name as sent, which is no id. */
        readonly meter: string;
        /** The mapping that finds the name in its messages, and would say which meter it is. */
        readonly mapping: string;
        readonly suggestedId: MeterId;
      }
    | {
        readonly kind: 'logger';
        /** A data logger's number (MN) that no gateway has. Its last message is shown without its password. */
        readonly meter: string;
        /** Of the gateway. */
        readonly suggestedId: GatewayId;
      }
  );

/** Which one of the list is meant. */
export type UnknownMeterKey = Pick<UnknownMeter, 'kind' | 'park' | 'meter'> & { readonly mapping?: string | null };
