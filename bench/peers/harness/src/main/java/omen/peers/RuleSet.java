package omen.peers;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The rules that are compared, in a form that belongs to no engine: each peer says them in its own language.
 *
 * <p>All are by user, and all are such that every event that fits the first step begins a run, which takes the first event
 * that fits its next step and is not disturbed by other runs: Omen's `overlap starts`. It is the one reading that all have.
 */
public record RuleSet(String name, String title, List<Rule> rules) {

  /** So many events of a type, in which `amount` is more than `over` (none: any). */
  public record Step(String type, int times, Double over) {
    Step(String type) {
      this(type, 1, null);
    }
  }

  /**
   * The steps, one after the other, the last at most `milliseconds` after the first, that included. With `absent`: none of that
   * type comes up to and including `milliseconds` after the only step.
   */
  public record Rule(String name, List<Step> steps, String absent, long milliseconds) {
    public Set<String> types() {
      Set<String> types = new LinkedHashSet<>();
      for (Step step : steps) types.add(step.type);
      if (absent != null) types.add(absent);
      return types;
    }
  }

  /** Types that rules of the set name. */
  public Set<String> types() {
    Set<String> types = new LinkedHashSet<>();
    for (Rule rule : rules) types.addAll(rule.types());
    return types;
  }

  public static RuleSet named(String name) {
    return all().stream().filter(set -> set.name.equals(name)).findFirst().orElseThrow();
  }

  static List<RuleSet> named(List<String> names) {
    return names.stream().map(RuleSet::named).toList();
  }

  public static List<RuleSet> all() {
    final long minute = 60_000;
    Step login = new Step("login"), click = new Step("click"), view = new Step("page_view", 1, 400.0);
    return List.of(
        one("sequence", "A -> B[amount > c]", List.of(login, view), null, 15 * minute),
        one("three", "A -> B -> C[amount > c]", List.of(login, click, view), null, 15 * minute),
        one("absence", "A -> not B for 5s", List.of(login), "page_view", 5_000),
        one("loop", "A{3} -> B[amount > c]", List.of(new Step("login", 3, null), view), null, 15 * minute),
        many(100),
        many(1000));
  }

  private static RuleSet one(String name, String title, List<Step> steps, String absent, long milliseconds) {
    return new RuleSet(name, title, List.of(new Rule("r0", steps, absent, milliseconds)));
  }

  // As in bench/throughput.cc: over the 14 rarest types, which make up a fifth of the stream. The last step is seldom met,
  // for what is to be compared is the work on rules, not on alerts.
  private static RuleSet many(int count) {
    String[] types = {"purchase", "logout", "wishlist", "checkout", "share", "comment", "rate", "coupon", "email_open",
        "email_click", "signup", "remove_from_cart", "refund", "support_ticket"};
    List<Rule> rules = new ArrayList<>();
    for (int i = 0; i < count; ++i) {
      Step first = new Step(types[i % types.length]);
      Step last = new Step(types[(i * 7 + 3) % types.length], 1, 480.0 + i % 20);
      rules.add(new Rule("r" + i, List.of(first, last), null, 60_000));
    }
    return new RuleSet("rules-" + count, String.format("%,d rules A -> B[amount > c]", count), rules);
  }
}
