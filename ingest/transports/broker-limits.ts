/** What one gateway, or one address, may ask of the broker. */
export interface BrokerLimits {
  /** Open connections at once, whoever they are. */
  readonly connections: number;
  readonly connectionsPerGateway: number;
  /** Connections of one address that have not signed in yet. */
  readonly strangersPerAddress: number;
  /** CONNECT must come within this time, in milliseconds. */
  readonly connectWithinMs: number;
  /** Failed sign-ins within a minute. */
  readonly failuresPerAddress: number;
  readonly failuresPerName: number;
  /** Of one gateway over all its connections; what it sends faster waits in its sockets. */
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

export const DEFAULT_LIMITS: BrokerLimits = {
  connections: 10_000,
  connectionsPerGateway: 4,
  strangersPerAddress: 1000,
  connectWithinMs: 10_000,
  failuresPerAddress: 60,
  failuresPerName: 30,
  messagesPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

/** Plain numbers, for whoever exports them. */
export class BrokerStats {
  connections = 0;
  signInsRefused = 0;
  subscriptionsRefused = 0;
  packetsTooLong = 0;
  brokenConnections = 0;
  /** Connections closed before they signed in, as their address had too many. */
  connectionsRefused = 0;
  publishesRefused = 0;
  /** Times a gateway was made to wait: for its rate, or because others had less under way. */
  slowed = 0;
  /** Connections ended because the gateway's secret was changed or is gone. */
  revoked = 0;
}
