import type { ShippedMapping } from '../../../model/mapping.ts';
import { QUANTITIES } from '../../../model/quantities.ts';

const OF_STANDARD = 'DL/T 645-2007';

/** By data identifier, as the catalogue has them. */
const BY_IDENTIFIER = Object.fromEntries(
  QUANTITIES.flatMap(({ name, dlt645, unit }) => (dlt645 === null ? [] : [[dlt645, { quantity: name, unit }] as const])),
);

/** As frames are decoded: in the units of the standard, whatever the meter's record says. */
const BY_QUANTITY = Object.fromEntries(QUANTITIES.flatMap(({ name, dlt645, unit }) => (dlt645 === null ? [] : [[name, { quantity: name, unit }] as const])));

export const DLT645: readonly ShippedMapping[] = [
  {
    id: 'dlt645-frame',
    name: 'DL/T 645 frames passed on as they are',
    enabled: true,
    source: `${OF_STANDARD}, frames of a meter’s answer (control 91): a transparent gateway publishes them as bytes, one or several in a message; or as text of them in hexadecimal or base64. Blocks (…FF00) give their total and phases; tariffs are passed over. The meter is the address printed on it, twelve digits. The energy frame was seen worked; lengths and decimals of the other identifiers are from memory (high confidence). The combined active energy (00000000) is refused: a meter may be set to take export from it, or to add it. Where a meter only draws, name it in a copy under "names": "00000000": {"quantity": "active_energy_import", "unit": "kWh"}. The topic is the gateway’s to choose.`,
    topics: ['dlt645/{gateway}/frame'],
    payload: 'bytes',
    // Frame by frame: one that is broken costs itself alone.
    each: '$map($dlt645frames($), function($f) { {"frame": $f} })',
    meter: '$dlt645(frame).address',
    named: { from: '$dlt645(frame).values', names: BY_QUANTITY },
  },
  {
    id: 'dlt645-hex',
    name: 'DL/T 645 frames as text in JSON',
    enabled: true,
    source: `${OF_STANDARD}, as dlt645-frame, in hexadecimal or base64, several in a message: {"time": …, "frames": ["68…16", …]}. The form of the JSON is ours: gateways differ.`,
    topics: ['dlt645/{gateway}/frames'],
    zone: 'Asia/Shanghai',
    // Decoded item by item: a frame that is broken costs itself alone.
    each: '($at := time; frames.$dlt645frames($).{"frame": $, "at": $at})',
    meter: '$dlt645(frame).address',
    time: 'at',
    named: { from: '$dlt645(frame).values', names: BY_QUANTITY },
  },
  {
    id: 'dlt645-values',
    name: 'DL/T 645 values by data identifier',
    enabled: true,
    source: `${OF_STANDARD}, decoded by the gateway: {"meters": [{"address": "…", "time": "YYYY-MM-DD HH:mm:ss", "data": {"00010000": "123456.78", …}}, …]}. The form of the JSON is ours: gateways differ.`,
    topics: ['dlt645/{gateway}/values'],
    zone: 'Asia/Shanghai',
    each: 'meters',
    meter: 'address',
    time: 'time',
    // Every digit F: the meter has no such value.
    missing: ['FFFFFF.FF', 'FFFFFFFF', 'FFF.F', 'FFFF', 'FFF.FFF', 'FF.FFFF', 'FFFFFF', 'F.FFF', 'FF.FF', '--'],
    named: { from: 'data', names: BY_IDENTIFIER },
  },
];
