{%- set minutes = var('onefile_minutes_between_signatures') -%}
with dated as (
    select
        *,
        {{ onefile.uk_day('scheduled_for') }} as scheduled_on,
        {{ onefile.uk_day('started_on') }} as held_on,
        {{ onefile.minutes_between('assessor_signed_on', 'learner_signed_on') }} as minutes_apart
    from {{ ref('stg_onefile_reviews') }}
),

judged as (
    select
        dated.customer,
        dated.review_id,
        dated.learner_id,
        learners.learner,
        learners.organisation,
        learners.status,
        coalesce(learners.in_learning, false) as in_learning,
        -- A review has no assessor until one has signed.
        coalesce(dated.assessor_id, learners.assessor_id) as assessor_id,
        coalesce(dated.employer_id, learners.employer_id) as employer_id,
        dated.scheduled_on,
        dated.held_on,
        case
            when dated.employer_signed_on is not null then 'signed by the employer'
            when dated.learner_signed_on is not null then 'signed by the learner'
            when dated.assessor_signed_on is not null then 'signed by the assessor'
            when dated.started_on is not null then 'started'
            else 'scheduled'
        end as stage,
        case
            when dated.started_on is not null then null
            when dated.scheduled_on < {{ onefile.today() }} then 'overdue'
            when dated.scheduled_on >= {{ onefile.today() }} then 'due'
        end as due,
        case
            when dated.started_on is null and dated.scheduled_on < {{ onefile.today() }}
                then {{ onefile.days_between('dated.scheduled_on', onefile.today()) }}
        end as days_overdue,
        dated.assessor_signed_on as assessor_signed,
        dated.learner_signed_on as learner_signed,
        dated.employer_signed_on as employer_signed,
        case
            when dated.started_on is null then null
            when dated.assessor_signed_on is null and dated.learner_signed_on is null then 'nobody has signed'
            when dated.assessor_signed_on is null then 'the assessor has not signed'
            when dated.learner_signed_on is null then 'the learner has not signed'
            when
                dated.learner_signed_on > {{ dbt.dateadd('minute', minutes, 'dated.assessor_signed_on') }}
                then 'the learner signed late'
            when
                dated.assessor_signed_on > {{ dbt.dateadd('minute', minutes, 'dated.learner_signed_on') }}
                then 'the assessor signed late'
        end as reason,
        dated.minutes_apart,
        case when dated.started_on is not null then dated.employer_signed_on is not null end as has_employer_signed,
        {{ onefile.rounded('dated.progress') }} as progress
    from dated
    left join {{ ref('onefile_learners') }} as learners
        on dated.customer = learners.customer and dated.learner_id = learners.learner_id
)

select
    judged.customer, judged.review_id, judged.learner_id, judged.learner, judged.organisation, judged.status,
    judged.in_learning, judged.assessor_id, assessors.name as assessor, judged.employer_id, employers.name as employer,
    judged.scheduled_on, judged.held_on, judged.stage, judged.due, judged.days_overdue, judged.assessor_signed,
    judged.learner_signed, judged.employer_signed, judged.reason, judged.minutes_apart, judged.has_employer_signed,
    judged.progress
from judged
left join {{ ref('int_onefile_people') }} as assessors
    on judged.customer = assessors.customer and judged.assessor_id = assessors.user_id
left join {{ ref('int_onefile_people') }} as employers
    on judged.customer = employers.customer and judged.employer_id = employers.user_id
