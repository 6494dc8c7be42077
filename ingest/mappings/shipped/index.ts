import { GreenparkError } from '../../../model/errors.ts';
import type { ShippedMapping } from '../../../model/mapping.ts';
import { DLT645 } from './dlt645.ts';
import { LORAWAN } from './lorawan.ts';
import { MODBUS } from './modbus.ts';
import { OPENEMS } from './openems.ts';
import { SHELLY } from './shelly.ts';
import { SUNSPEC } from './sunspec.ts';
import { TASMOTA } from './tasmota.ts';
import { THINGSBOARD } from './thingsboard.ts';
import { ZIGBEE2MQTT } from './zigbee2mqtt.ts';

/** The mappings that come with Greenpark, to be taken as they are or as a beginning. */
export const SHIPPED_MAPPINGS: readonly ShippedMapping[] = [
  ...THINGSBOARD,
  ...SHELLY,
  ...TASMOTA,
  ...ZIGBEE2MQTT,
  ...LORAWAN,
  ...OPENEMS,
  ...MODBUS,
  ...DLT645,
  ...SUNSPEC,
];

/** Throws NOT_FOUND with the names that there are. */
export function shippedMapping(id: string): ShippedMapping {
  const found = SHIPPED_MAPPINGS.find((mapping) => mapping.id === id);
  if (found !== undefined) return found;
  throw new GreenparkError('NOT_FOUND', `there is no shipped mapping "${id}"; there are ${SHIPPED_MAPPINGS.map((one) => one.id).join(', ')}`);
}
