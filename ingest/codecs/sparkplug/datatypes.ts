import { FIELD, type Metric, signed64, unsigned64 } from './metric.ts';

/** Names of the datatypes by their number (Sparkplug B 3.0, `DataType`). */
export const DATATYPE_NAMES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
] as const;

export const BOOLEAN = 11;
const DATE_TIME = 13;
const TWO_32 = 2 ** 32;

export const datatypeName = (datatype: number): string => DATATYPE_NAMES[datatype] ?? `datatype ${datatype}`;

/** Integers and floats: what is measured, without anybody having to say so. */
export const isMeasure = (datatype: number): boolean => datatype >= 1 && datatype <= 10;

/** Whether a value of this datatype can become a number at all: measures, Boolean (0 or 1) and DateTime (UTC milliseconds). */
export const isNumeric = (datatype: number): boolean => isMeasure(datatype) || datatype === BOOLEAN || datatype === DATE_TIME;

/**
 * The metric's value as a number, or a sentence about why it is none. Signed integers stand in unsigned fields as two's complement
 * (of 8, 16 or 32 bits, encoders differ); the datatype tells them apart. 64-bit integers beyond 2^53 are rounded to the nearest double.
 *
 * @param datatype from the message or else from the birth; 0 where neither says it
 */
export function numberOf(metric: Metric, datatype: number): number | string {
  if (datatype !== 0 && !isNumeric(datatype)) return `is of datatype ${datatypeName(datatype)}${written(metric)}; expected a number`;
  switch (metric.field) {
    case FIELD.float:
    case FIELD.double:
    case FIELD.boolean:
      return metric.number;
    case FIELD.int:
    case FIELD.long:
      return integer(metric, datatype);
    case FIELD.none:
      return 'has no value and is not marked as null';
    default:
      return `has no number in it${written(metric)} although its datatype is ${datatypeName(datatype)}`;
  }
}

const written = ({ field, text }: Metric): string => (field === FIELD.string ? ` (${JSON.stringify(text.slice(0, 64))})` : '');

function integer(metric: Metric, datatype: number): number | string {
  const isLong = metric.field === FIELD.long;
  const low = isLong ? metric.low : metric.number;
  const high = isLong ? metric.high : 0;
  switch (datatype) {
    case 1:
    case 2:
    case 3:
      return signed(low, high, 2 ** (datatype + 2)) ?? misfit(low, high, datatype);
    case 4:
      return isLong ? signed64(low, high) : low | 0;
    case 5:
    case 6:
    case 7:
      return high === 0 && low >>> 0 < 2 ** (2 ** (datatype - 2)) ? low >>> 0 : misfit(low, high, datatype);
    case 0:
      return 'is an integer of a datatype that neither the message nor a birth says, so that its sign is uncertain';
    default:
      return unsigned64(low, high);
  }
}

/** 8, 16 or 32 bits, as such or widened with its sign to 32 or 64; null where it is anything else. */
function signed(low: number, high: number, bits: number): number | null {
  const value = high === 0 && low >>> 0 >= TWO_32 / 2 ? low | 0 : signed64(low, high);
  const half = 2 ** (bits - 1);
  if (value >= -half && value < half) return value;
  return value >= half && value < 2 * half ? value - 2 * half : null;
}

const misfit = (low: number, high: number, datatype: number): string => `is ${unsigned64(low, high)}, which does not fit ${datatypeName(datatype)}`;
