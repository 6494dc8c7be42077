import type { Decoded, TopicCodec } from '../codecs/decoded.ts';
import { decodeSegment, refusedWhole } from '../codecs/hj212/decode.ts';
import { parseSegment } from '../codecs/hj212/segment.ts';
import { quote } from '../wording.ts';
import { contextOf, type GatewayDirectory, Hj212Devices } from './hj212-devices.ts';

const PREFIX = 'hj212/';

/**
 * For dead letters of HJ 212 that are tried again, by the links of now. What came with a wrong password,
 * length or CRC stays refused, as nobody has vouched for it; so does a message of which packets are missing.
 */
export function hj212Replay(directory: { readonly current: GatewayDirectory }): TopicCodec {
  const neverAsked = () => Promise.reject(new Error('the password of a dead letter is not checked again'));
  const devices = new Hj212Devices(directory, neverAsked);
  return {
    decode: ({ topic, payload, gateway }): Decoded | null => {
      if (!topic.startsWith(PREFIX)) return null;
      const mn = topic.slice(PREFIX.length);
      const device = devices.find(mn);
      if (device === undefined || device === null) return refusedWhole('unknown-gateway', `no single gateway has the number MN=${quote(mn)}`);
      // Without the gateway that sent it, nobody has vouched for the message.
      if (gateway !== device.gateway)
        return refusedWhole('unknown-gateway', `gateway ${device.gateway} did not sign in with this message; let it send it again`, device.park);
      const segment = parseSegment(Buffer.from(payload).toString('latin1'));
      if (device.link.split !== 'single' && (segment.pnum ?? 1) > 1)
        return refusedWhole('packets-missing', 'the letter holds some packets of several', device.park);
      return decodeSegment(segment, contextOf(device, directory.current));
    },
  };
}
