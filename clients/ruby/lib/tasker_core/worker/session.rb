# frozen_string_literal: true

module TaskerCore
  class Worker
    # One registration: who the worker is to the server, what the server bears, and until when its leases are good.
    class Session
      # Where a server leaves something out.
      USUAL = { 'lease_ms' => 10_000, 'heartbeat_ms' => 2_000, 'max_wait_ms' => 20_000, 'max_claim' => 200,
                'max_reports' => 200, 'max_payload_bytes' => 1_048_576 }.freeze
      # A body is kept well below what servers take.
      LARGEST_BODY = 3_500_000

      attr_reader :worker_id, :max_claim, :max_reports, :max_payload_bytes, :heartbeat, :longest_wait, :served

      # +sent+ is when the request for it was.
      def initialize(answer, sent)
        said = USUAL.merge(answer.compact)
        @worker_id = said.fetch('worker_id')
        @served = said['served']
        @max_claim, @max_reports, @max_payload_bytes = said.values_at('max_claim', 'max_reports', 'max_payload_bytes')
        @heartbeat = said['heartbeat_ms'] / 1_000.0
        @longest_wait = said['max_wait_ms']
        extend_to(sent, said['lease_ms'])
      end

      def path(door)
        "/v1/workers/#{@worker_id}#{door}"
      end

      # Is the worker the same to the server in both?
      def same_worker?(other)
        worker_id == other.worker_id
      end

      # A heartbeat that was sent at +sent+ got through. Nine tenths of a lease are trusted, by this machine's clock.
      def extend_to(sent, lease_ms = nil)
        @lease = lease_ms / 1_000.0 if lease_ms
        @good_until = sent + (@lease * 0.9)
      end

      # May somebody else have its steps by now?
      def stale?
        Worker.now > @good_until
      end

      # Seconds that an answer to a heartbeat may take, so that there is time for another one.
      def patience
        [@lease / 3, 0.5].max
      end
    end
  end
end
