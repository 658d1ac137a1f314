package omen.peers;

/**
 * One event as the peers have it: the members that a rule or an alert reads. Public fields and no argument, since that is
 * what Flink has a fast serializer for.
 */
public final class Event {
  public String type;
  public long time; // milliseconds since 1970
  public String id;
  public String userId;
  public double amount;
}
