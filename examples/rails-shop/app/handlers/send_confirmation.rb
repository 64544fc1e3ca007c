# frozen_string_literal: true

# Tells the customer. The mail's name follows from the key: one that is sent twice is the same mail.
SendConfirmation = TaskerCore.step_handler(
  'rails_send_confirmation', depends_on: { payment: 'process_payment' }, inputs: %i[email order_id]
) do |payment:, email:, order_id:, context:|
  mails = Rails.configuration.x.mails
  mails.mkpath
  name = "#{context.idempotency_key.tr(':', '.')}.txt"
  mails.join(name).write("To: #{email}\n\nYour order #{order_id}: #{payment['cents'] / 100.0} EUR, thank you.\n")
  { mail: name }
end
