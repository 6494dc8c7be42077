import type { Decoded, TopicCodec } from '../codecs/decoded.ts';
import { decodeSegment, refusedWhole } from '../codecs/hj212/decode.ts';
import { parseSegment } from '../codecs/hj212/segment.ts';
import { isSealed, unseal } from '../codecs/hj212/sm4.ts';
import { quote } from '../wording.ts';
import { contextOf, type Device, type DeviceSecrets, type GatewayDirectory, Hj212Devices } from './hj212-devices.ts';

const PREFIX = 'hj212/';

/**
 * For dead letters of HJ 212 that are tried again, by the links of now. What came with a wrong password,
 * length or CRC stays refused, as nobody has vouched for it; so does a message of which packets are missing.
 */
export function hj212Replay(directory: { readonly current: GatewayDirectory }, keyOf: DeviceSecrets['keyOf']): TopicCodec {
  const checkSecret = () => Promise.reject(new Error('the password of a dead letter is not checked again'));
  const devices = new Hj212Devices(directory, { checkSecret, keyOf });
  const decodeText = (text: string, device: Device): Decoded => {
    const segment = parseSegment(text);
    if (device.link.split !== 'single' && (segment.pnum ?? 1) > 1)
      return refusedWhole('packets-missing', 'the letter holds some packets of several', device.park);
    return decodeSegment(segment, contextOf(device, directory.current));
  };
  return {
    decode: ({ topic, payload, gateway }): Decoded | Promise<Decoded> | null => {
      if (!topic.startsWith(PREFIX)) return null;
      const mn = topic.slice(PREFIX.length);
      const device = devices.find(mn);
      if (device === undefined || device === null) return refusedWhole('unknown-gateway', `no single gateway has the number MN=${quote(mn)}`);
      // Without the gateway that sent it, nobody has vouched for the message.
      if (gateway !== device.gateway)
        return refusedWhole('unknown-gateway', `gateway ${device.gateway} did not sign in with this message; let it send it again`, device.park);
      const text = Buffer.from(payload).toString('latin1');
      if (!isSealed(text)) return decodeText(text, device);
      return devices.key(device).then((key) => decodeText(key === null ? text : (unseal(text, key) ?? text), device));
    },
  };
}
