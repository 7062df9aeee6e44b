//! A tree of losers: which of many sequences is next, with one comparison a level (Knuth, The Art of Computer Programming,
//! volume 3, 5.4.1).

/// A tournament of players `0..players`. The tree keeps the loser of each match; the winner of all stands at its root.
pub(super) struct Tournament {
    /// `[0]` is the winner; `[n]` the loser of the match whose players come from the nodes `2n` and `2n + 1`. A node from
    /// `players` on is a leaf: player `node - players`.
    nodes: Vec<usize>,
}

impl Tournament {
    /// Plays all matches. `before(a, b)`: whether `a` comes before `b`; a total order, for the same winner whatever
    /// happened before.
    pub(super) fn new(players: usize, before: impl Fn(usize, usize) -> bool) -> Self {
        let mut winners = vec![0; 2 * players];
        let mut nodes = vec![0; players];
        for node in (1..2 * players).rev() {
            if node >= players {
                winners[node] = node - players;
                continue;
            }
            let (a, b) = (winners[2 * node], winners[2 * node + 1]);
            (winners[node], nodes[node]) = if before(b, a) { (b, a) } else { (a, b) };
        }
        if players > 0 {
            // With one player there is no match; its leaf is node 1.
            nodes[0] = winners[1];
        }
        Tournament { nodes }
    }

    /// Who comes first; `None` where nobody plays.
    #[inline]
    pub(super) fn winner(&self) -> Option<usize> {
        self.nodes.first().copied()
    }

    /// The winner changed: plays its matches again, from its leaf to the root.
    #[inline]
    pub(super) fn replay(&mut self, before: impl Fn(usize, usize) -> bool) {
        let mut player = self.nodes[0];
        let mut node = (player + self.nodes.len()) / 2;
        while node > 0 {
            if before(self.nodes[node], player) {
                std::mem::swap(&mut self.nodes[node], &mut player);
            }
            node /= 2;
        }
        self.nodes[0] = player;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sequences_come_out_in_order(
            sequences in prop::collection::vec(prop::collection::vec(0u8..20, 0..9), 0..18),
        ) {
            let mut expected: Vec<(u8, usize)> = Vec::new();
            let mut sequences: Vec<Vec<u8>> = sequences;
            for (player, sequence) in sequences.iter_mut().enumerate() {
                sequence.sort_unstable_by(|a, b| b.cmp(a));
                expected.extend(sequence.iter().map(|&value| (value, player)));
            }
            expected.sort_unstable();
            let rank = |sequences: &[Vec<u8>], player: usize| {
                sequences[player].last().map_or((1, 0, player), |&value| (0, value, player))
            };
            let mut tournament =
                Tournament::new(sequences.len(), |a, b| rank(&sequences, a) < rank(&sequences, b));
            let mut found = Vec::new();
            while let Some(winner) = tournament.winner() {
                let Some(value) = sequences[winner].pop() else { break };
                found.push((value, winner));
                tournament.replay(|a, b| rank(&sequences, a) < rank(&sequences, b));
            }
            prop_assert_eq!(found, expected);
        }
    }
}
