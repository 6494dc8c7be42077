import type { Decoded, TopicCodec } from '../codecs/decoded.ts';
import { decodeSegment, refusedWhole } from '../codecs/hj212/decode.ts';
import { parseSegment } from '../codecs/hj212/segment.ts';
import { isSealed, unseal } from '../codecs/hj212/sm4.ts';
import { FrameSplitter, type RawFrame } from '../codecs/hj212/splitter.ts';
import { checkFrame, unknownNumber, wrongPassword } from './hj212-checks.ts';
import { contextOf, type Device, type Hj212Devices } from './hj212-devices.ts';

const PREFIX = 'hj212/';

/** The topic of a letter that a logger of this number made. */
export const letterTopicOf = (mn: string): string => `${PREFIX}${mn}`;

/**
 * For dead letters of HJ 212 that are tried again, by the links of now. Of what nobody had vouched for (a number that no gateway had, a wrong
 * password, length or CRC) the whole frame rests, and is checked as one that comes now. A message of which packets are missing stays refused.
 */
export function hj212Replay(devices: Hj212Devices): TopicCodec {
  return {
    decode: ({ topic, payload, gateway }): Decoded | Promise<Decoded> | null => {
      if (!topic.startsWith(PREFIX)) return null;
      const mn = topic.slice(PREFIX.length);
      const device = devices.find(mn);
      if (device === undefined || device === null) return unknownNumber(mn, device === null);
      if (gateway === device.gateway) return decodeText(Buffer.from(payload).toString('latin1'), device, devices);
      const frame = gateway === null ? frameIn(payload) : null;
      // Another gateway vouched for it, or its letter is older than this and holds the data segment alone.
      if (frame === null)
        return refusedWhole('unknown-gateway', `gateway ${device.gateway} did not sign in with this message; let it send it again`, device.park);
      return decodeUnvouched(frame, device, devices);
    },
  };
}

function frameIn(payload: Uint8Array): RawFrame | null {
  const splitter = new FrameSplitter(payload.length + 2);
  return splitter.push(payload)[0] ?? splitter.flush();
}

async function decodeUnvouched(frame: RawFrame, device: Device, devices: Hj212Devices): Promise<Decoded> {
  const sent = frame.segment.toString('latin1');
  const key = isSealed(parseSegment(sent).cp) ? await devices.key(device) : null;
  const text = key === null ? sent : (unseal(sent, key) ?? sent);
  const segment = parseSegment(text);
  const { refusal } = checkFrame({ ...frame, segment: Buffer.from(text, 'latin1') }, segment, device);
  if (refusal !== null) return refusal;
  const password = segment.pw ?? '';
  const fits = device.link.password === 'ignore' || (devices.believed(device, password) ?? (await devices.check(device, password)));
  return fits ? decodePlain(text, device, devices) : wrongPassword(device);
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
