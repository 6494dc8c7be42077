import type { Decoded, TopicCodec } from '../codecs/decoded.ts';
import { decodeSegment, refusedWhole } from '../codecs/hj212/decode.ts';
import { parseSegment } from '../codecs/hj212/segment.ts';
import { isSealed, unseal } from '../codecs/hj212/sm4.ts';
import { frameIn, type RawFrame } from '../codecs/hj212/splitter.ts';
import { checkFrame, unknownNumber, wrongPassword } from './hj212-checks.ts';
import { contextOf, type Device, type Hj212Devices } from './hj212-devices.ts';

/** By which its letters are told from those of topics that anybody may choose. */
export const TRANSPORT = 'hj212';
const PREFIX = 'hj212/';

/** The topic of a letter that a logger of this number made. */
export const letterTopicOf = (mn: string): string => `${PREFIX}${mn}`;

/**
 * For dead letters of HJ 212 that are tried again, by the links of now. Of what nobody had vouched for (a number that no gateway had, a wrong
 * password, length or CRC) the whole frame rests, and is checked as one that comes now. A message of which packets are missing stays refused.
 */
export function hj212Replay(devices: Hj212Devices): TopicCodec {
  const proofs = new Proofs(devices);
  return {
    decode: ({ topic, payload, gateway, transport }): Decoded | Promise<Decoded> | null => {
      // Others' topics may read like these.
      if (transport !== TRANSPORT || !topic.startsWith(PREFIX)) return null;
      const mn = topic.slice(PREFIX.length);
      const device = devices.find(mn);
      if (device === undefined || device === null) return unknownNumber(mn, device === null);
      if (gateway === device.gateway) return decodeText(Buffer.from(payload).toString('latin1'), device, devices);
      const frame = gateway === null ? frameIn(payload) : null;
      // Another gateway vouched for it, or its letter is older than this and holds the data segment alone.
      if (frame === null)
        return refusedWhole('unknown-gateway', `gateway ${device.gateway} did not sign in with this message; let it send it again`, device.park);
      return decodeUnvouched(frame, device, devices, proofs);
    },
  };
}

async function decodeUnvouched(frame: RawFrame, device: Device, devices: Hj212Devices, proofs: Proofs): Promise<Decoded> {
  const sent = frame.segment.toString('latin1');
  const key = isSealed(parseSegment(sent).cp) ? await devices.key(device) : null;
  const text = key === null ? sent : (unseal(sent, key) ?? sent);
  const segment = parseSegment(text);
  const { refusal } = checkFrame({ ...frame, segment: Buffer.from(text, 'latin1') }, segment, device);
  if (refusal !== null) return refusal;
  if (device.link.password !== 'ignore' && !(await proofs.fits(device, segment.pw ?? ''))) return wrongPassword(device);
  return { ...decodePlain(text, device, devices), vouchedBy: device.gateway };
}

/** Wrong passwords of one gateway's letters that are looked at within a while: each costs a tenth of a second, and anybody may leave letters. */
const MOST_WRONG = 100;
const WHILE_MS = 30_000;

class Proofs {
  readonly #devices: Hj212Devices;
  readonly #wrong = new Map<string, { count: number; readonly until: number }>();

  constructor(devices: Hj212Devices) {
    this.#devices = devices;
  }

  async fits(device: Device, password: string): Promise<boolean> {
    const known = this.#devices.believed(device, password);
    if (known !== undefined) return known;
    const now = performance.now();
    const before = this.#wrong.get(device.gateway);
    const wrong = before !== undefined && now < before.until ? before : { count: 0, until: now + WHILE_MS };
    if (wrong.count >= MOST_WRONG) return false;
    const fits = await this.#devices.check(device, password);
    if (!fits) wrong.count++;
    this.#wrong.set(device.gateway, wrong);
    return fits;
  }
}

function decodeText(text: string, device: Device, devices: Hj212Devices): Decoded | Promise<Decoded> {
  if (!isSealed(text)) return decodePlain(text, device, devices);
  return devices.key(device).then((key) => decodePlain(key === null ? text : (unseal(text, key) ?? text), device, devices));
}

function decodePlain(text: string, device: Device, { directory }: Hj212Devices): Decoded {
  const segment = parseSegment(text);
  if (device.link.split !== 'single' && (segment.pnum ?? 1) > 1)
    return refusedWhole('packets-missing', 'the letter holds some packets of several', device.park);
  return decodeSegment(segment, contextOf(device, directory));
}
