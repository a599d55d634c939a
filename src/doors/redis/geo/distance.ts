/** Distances on a sphere, and how they and coordinates are written. */
import type { Position } from './geohash.ts';

/** Redis's radius of the Earth. Another one would give other distances. */
export const EARTH_RADIUS_M = 6_372_797.560_856;

const RADIANS_PER_DEGREE = Math.PI / 180;

export function radians(degrees: number): number {
  return degrees * RADIANS_PER_DEGREE;
}

export function degrees(angle_rad: number): number {
  return angle_rad / RADIANS_PER_DEGREE;
}

/** Metres between two latitudes on one meridian. */
export function latitudeDistance_m(one: number, other: number): number {
  return EARTH_RADIUS_M * Math.abs(radians(other) - radians(one));
}

/** Metres on a great circle, by the haversine formula. */
export function distance_m(one: Position, other: Position): number {
  const byLongitude = Math.sin((radians(other.longitude) - radians(one.longitude)) / 2);
  // The whole formula would lose digits on one meridian.
  if (byLongitude === 0) return latitudeDistance_m(one.latitude, other.latitude);
  const latitude = radians(one.latitude);
  const otherLatitude = radians(other.latitude);
  const byLatitude = Math.sin((otherLatitude - latitude) / 2);
  const haversine = byLatitude * byLatitude + Math.cos(latitude) * Math.cos(otherLatitude) * byLongitude * byLongitude;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(haversine));
}

const UNITS_M: Readonly<Record<string, number>> = { M: 1, KM: 1_000, FT: 0.3048, MI: 1_609.34 };

/** Metres in a unit, by its name in capitals; undefined for an unknown one. */
export function unitMetres(name: string): number | undefined {
  return UNITS_M[name];
}

/** Four decimals, as in all replies. */
export function distanceText(distance: number): string {
  return distance.toFixed(4);
}

/** Up to 17 decimals, zeros at the end left out. */
export function coordinateText(value_deg: number): string {
  return value_deg.toFixed(17).replace(/0+$/, '').replace(/\.$/, '');
}
