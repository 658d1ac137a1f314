package omen.peers;

/** An engine in this process. */
public interface Peer {
  /** Says the rules in the engine's language, once. */
  void prepare(RuleSet rules) throws Exception;

  /**
   * The whole stream through an engine that has seen nothing; at the end time goes on until no absence is pending. Starting and
   * stopping the engine is not to be timed.
   */
  void run(Events events, Alerts alerts, Stopwatch stopwatch) throws Exception;

  /** The jar that is measured, such as esper-runtime-9.0.0. */
  String version();

  static String jarOf(Class<?> type) {
    String path = type.getProtectionDomain().getCodeSource().getLocation().getPath();
    return path.substring(path.lastIndexOf('/') + 1).replace(".jar", "");
  }
}
