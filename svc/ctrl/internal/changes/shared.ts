/**
 * Makes the message of an event once, for all streams that send it: events are shared, and one message object is encoded
 * once.
 */
export function sharedMessages<E extends object, M>(make: (event: E) => M): (event: E) => M {
  const made = new WeakMap<E, M>();
  return (event) => {
    const known = made.get(event);
    if (known !== undefined) return known;
    const message = make(event);
    made.set(event, message);
    return message;
  };
}
