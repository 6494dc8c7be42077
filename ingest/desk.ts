import type { Clock } from '../model/clock.ts';
import type { EpochMs, ParkId } from '../model/ids.ts';
import type { GatewayStanding, IngestState } from '../model/ingest.ts';
import type { DeadLetter, DeadLetterRecords } from '../store/registry/port.ts';
import type { TopicCodec } from './codecs/decoded.ts';
import type { LeftOutBook } from './mappings/left-out.ts';
import type { IngestOverview } from './overview.ts';
import type { DecodedIntake, MessageOutcome } from './port.ts';
import { LetterReplay, type ReplayReport } from './replay.ts';
import type { StageTimes } from './stage-times.ts';
import type { Hj212Devices } from './transports/hj212-devices.ts';
import { letterTopicOf } from './transports/hj212-replay.ts';
import { pushedLetters, pushReadings } from './transports/http-push.ts';
import { lettersOfDevice, lettersOfLogger, lettersOfUnknown, type UnknownMeters } from './unknown-meters.ts';

/** What people and programs ask of ingest over the API. */
export interface IngestDesk {
  push(items: readonly unknown[], gateway: string | null, receivedAt: EpochMs): Promise<readonly MessageOutcome[]>;
  replay(letters: readonly DeadLetter[]): Promise<ReplayReport>;
  readonly unknown: Pick<UnknownMeters, 'list' | 'forget'>;
  readonly leftOut: Pick<LeftOutBook, 'list' | 'forgottenOf'>;
  lettersOfUnknown(meter: string, park: ParkId): Promise<readonly DeadLetter[]>;
  lettersOfDevice(device: Parameters<typeof lettersOfDevice>[2]): Promise<readonly DeadLetter[]>;
  lettersOfLogger(mn: string, password: string): Promise<readonly DeadLetter[]>;
  state(): IngestState;
  /** Worst first. */
  gateways(): readonly GatewayStanding[];
}

/** `codecs` are those of topics outside the native contract that may be asked again without a trace. */
export function createIngestDesk(parts: {
  readonly pipeline: DecodedIntake & { readonly stages: StageTimes };
  readonly letters: Pick<DeadLetterRecords, 'list' | 'payloads' | 'tried'>;
  readonly codecs: readonly TopicCodec[];
  readonly unknown: UnknownMeters;
  readonly leftOut: LeftOutBook;
  /** Those that the letters are proved by. */
  readonly loggers: Pick<Hj212Devices, 'find' | 'check'>;
  readonly overview: Pick<IngestOverview, 'state' | 'gateways'>;
  readonly clock: Clock;
}): IngestDesk {
  const { pipeline, letters, unknown, leftOut, loggers, overview, clock } = parts;
  const codecs = [pushedLetters, ...parts.codecs];
  const replay = new LetterReplay({ pipeline, letters, codecs, clock });
  return {
    push: (items, gateway, receivedAt) => pushReadings(pipeline, items, gateway, receivedAt, pipeline.stages),
    replay: (chosen) => replay.replay(chosen),
    unknown,
    leftOut,
    lettersOfUnknown: (meter, park) => lettersOfUnknown(letters, codecs, meter, park),
    lettersOfDevice: (device) => lettersOfDevice(letters, codecs, device),
    lettersOfLogger: async (mn, password) => {
      const device = loggers.find(mn) ?? null;
      if (device !== null) await loggers.check(device, password);
      return lettersOfLogger(letters, letterTopicOf(mn));
    },
    state: () => overview.state(),
    gateways: () => overview.gateways(),
  };
}
