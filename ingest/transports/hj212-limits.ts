/** Plain numbers, for whoever exports them. */
export interface Hj212Stats {
  connections: number;
  connectionsRefused: number;
  /** Closed because nothing, or no whole frame, came in time. */
  timeOuts: number;
  frames: number;
  answers: number;
  /** Whether they were refused or, as the gateway's link says, taken all the same. */
  wrongLength: number;
  wrongCrc: number;
  wrongLengthTaken: number;
  wrongCrcTaken: number;
  wrongLengthRefused: number;
  wrongCrcRefused: number;
  unknownDevice: number;
  wrongPassword: number;
  overlong: number;
  junkBytes: number;
  packetsMissing: number;
  /** Values that loggers left out and flagged as other than normal. */
  missingValues: number;
  /** Times that a connection was held back because it sent too fast. */
  slowed: number;
}

export interface Hj212Limits {
  /** Connections at once in all, and from one address. */
  readonly maxConnections: number;
  readonly maxPerAddress: number;
  /** Longest frame, in bytes. */
  readonly maxFrameBytes: number;
  /** Longest frame before a known logger has shown itself, in bytes. */
  readonly maxStrangerBytes: number;
  /** A connection without a frame for so long is closed. */
  readonly idleMs: number;
  /** Time for the first frame of a known logger. */
  readonly signInMs: number;
  /** Time from the first byte of a frame to its last. */
  readonly frameMs: number;
  /** Frames a second, on average over ten, beyond which a connection is held back. */
  readonly framesPerSecond: number;
  /** Frames that nobody can be found for, after which the connection is closed. */
  readonly strangeFrames: number;
}

export const HJ212_LIMITS: Hj212Limits = {
  maxConnections: 2000,
  maxPerAddress: 500,
  maxFrameBytes: 10_240,
  // An encrypted CP takes five times its plain length.
  maxStrangerBytes: 6144,
  idleMs: 3_900_000,
  signInMs: 300_000,
  frameMs: 30_000,
  framesPerSecond: 500,
  strangeFrames: 20,
};
