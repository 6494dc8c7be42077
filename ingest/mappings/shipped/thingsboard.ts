import type { ShippedMapping } from '../../../model/mapping.ts';

/** Names that gateways made for ThingsBoard commonly choose; the API leaves them to the device. */
const NAMES: NonNullable<NonNullable<ShippedMapping['named']>['names']> = {
  power: { quantity: 'active_power', unit: 'W' },
  energy: { quantity: 'active_energy_import', unit: 'kWh' },
  frequency: { quantity: 'frequency', unit: 'Hz' },
  temperature: { quantity: 'device_temperature', unit: '°C' },
};
const NAMES_NOTE = 'The names of values are the device’s own: those in "names" are a guess to be corrected; quantities of the catalogue need none.';

export const THINGSBOARD: readonly ShippedMapping[] = [
  {
    id: 'thingsboard-device',
    name: 'ThingsBoard device API',
    enabled: true,
    source: `thingsboard.io/docs/reference/mqtt-api/telemetry: {"key": value}, {"ts": ms, "values": {…}} or an array of either. v2/t and v2/t/j are short names of the same topic (read in public descriptions of the transport); attributes, RPC and Protobuf (v2/t/p) are not taken. The API does not name the device: the meter is the gateway that signed in, or stands in a topic that a bridge put before it. ${NAMES_NOTE}`,
    topics: ['v1/devices/me/telemetry', 'thingsboard/{device}/v1/devices/me/telemetry', 'v2/t', 'v2/t/j'],
    each: '$.($type(values) = "object" ? $ : {"values": $})',
    meter: '$topic.device ?? $gateway',
    time: { from: 'ts', as: 'milliseconds' },
    named: { from: 'values', names: NAMES },
  },
  {
    id: 'thingsboard-gateway',
    name: 'ThingsBoard gateway API',
    enabled: true,
    source: `thingsboard.io/docs/reference/gateway-api/telemetry: {"Device A": [{"ts": ms, "values": {…}}, …], …}; items without "ts" were measured on arrival. ${NAMES_NOTE}`,
    topics: ['v1/gateway/telemetry'],
    each: '$each($, function($items, $device) { $items.{"device": $device, "ts": ts, "values": values ?? $} }).$',
    meter: 'device',
    time: { from: 'ts', as: 'milliseconds' },
    named: { from: 'values', names: NAMES },
  },
];
