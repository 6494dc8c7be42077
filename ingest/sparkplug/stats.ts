import type { MessageType } from '../codecs/sparkplug/topics.ts';

/** Plain numbers since the start, for whoever exports them. */
export interface SparkplugStats {
  readonly messages: Record<MessageType, number>;
  /** Metrics without a value: the instrument says that it has none now. */
  nulls: number;
  /** Metrics whose quality is 500 (stale): the last known value and not a new one; not stored. */
  stale: number;
  /** Metrics that are no reading: texts, controls, those the link passes over. */
  passedOver: number;
  historical: number;
  /** Requests for a new birth that were sent. */
  rebirthsAsked: number;
  gaps: number;
  /** Messages that a node numbered and that never came. */
  messagesLost: number;
  /** Messages with a number that was there already: the node began anew unheard, or a second one has its name. */
  repeats: number;
  /** NDEATH of an earlier session of its node. */
  lateDeaths: number;
  /** Data and device births before the birth they need. */
  withoutBirth: number;
  /** Messages that a broker had kept: births and data must not be retained. */
  retained: number;
}

export const emptyStats = (): SparkplugStats => ({
  messages: { NBIRTH: 0, DBIRTH: 0, NDATA: 0, DDATA: 0, NDEATH: 0, DDEATH: 0, NCMD: 0, DCMD: 0 },
  nulls: 0,
  stale: 0,
  passedOver: 0,
  historical: 0,
  rebirthsAsked: 0,
  gaps: 0,
  messagesLost: 0,
  repeats: 0,
  lateDeaths: 0,
  withoutBirth: 0,
  retained: 0,
});
