/** Namespace of Sparkplug B, version 3.0 of the specification included. */
export const NAMESPACE = 'spBv1.0';

export const MESSAGE_TYPES = ['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'NDEATH', 'DDEATH', 'NCMD', 'DCMD'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export interface NodeTopic {
  readonly kind: 'node';
  readonly type: MessageType;
  readonly group: string;
  readonly node: string;
  /** Null in a message of the node itself. */
  readonly device: string | null;
}
export type SparkplugTopic = NodeTopic | { readonly kind: 'state'; readonly host: string };

const TYPES: ReadonlySet<string> = new Set(MESSAGE_TYPES);
/** Longest id of a group, node or device that is taken, in UTF-16 units; the specification sets no bound. */
export const LONGEST_ID = 128;

/** What a topic of the namespace says, or null where it is not formed as Sparkplug B 3.0 says (ids may be any text without `+`, `/` and `#`). */
export function readTopic(topic: string): SparkplugTopic | null {
  const parts = topic.split('/', 6);
  if (parts[0] !== NAMESPACE || parts.some((part) => part === '' || part.length > LONGEST_ID)) return null;
  const [, group, type, node, device] = parts;
  if (group === 'STATE') return parts.length === 3 && type !== undefined ? { kind: 'state', host: type } : null;
  if (group === undefined || type === undefined || node === undefined || !TYPES.has(type)) return null;
  if (parts.length !== (type.startsWith('D') ? 5 : 4)) return null;
  return { kind: 'node', type: type as MessageType, group, node, device: device ?? null };
}

export const stateTopic = (host: string): string => `${NAMESPACE}/STATE/${host}`;
export const nodeCommandTopic = (group: string, node: string): string => `${NAMESPACE}/${group}/NCMD/${node}`;
